// kubelet-admission asks the kubelet's own admission about pods: the handlers of pkg/kubelet/lifecycle and
// pkg/kubelet/sysctl that judge a pod by its fields. Built for Windows, so that the files for Windows of
// these packages are the ones that answer.
//
// It reads one pod a line (JSON) and answers each with a line: an empty one where the kubelet admits the pod,
// else the reason.
package main

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"strings"

	v1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/kubernetes/pkg/kubelet/lifecycle"
	"k8s.io/kubernetes/pkg/kubelet/sysctl"
	schedulerframework "k8s.io/kubernetes/pkg/scheduler/framework"
)

func main() {
	handlers, err := handlers()
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	lines := bufio.NewScanner(os.Stdin)
	lines.Buffer(nil, 1<<20)
	out := bufio.NewWriter(os.Stdout)
	defer out.Flush()
	for lines.Scan() {
		pod := &v1.Pod{}
		if err := json.Unmarshal(lines.Bytes(), pod); err != nil {
			fmt.Fprintln(out, "unreadable: "+strings.ReplaceAll(err.Error(), "\n", " "))
			continue
		}
		fmt.Fprintln(out, judge(handlers, pod))
	}
	if err := lines.Err(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

// handlers are those of NewMainKubelet (pkg/kubelet/kubelet.go) that look at the pod alone; node is a worker
// of Microcosm's.
func handlers() (lifecycle.PodAdmitHandlers, error) {
	ctx := context.Background()
	allowed, err := sysctl.NewAllowlist(sysctl.SafeSysctlAllowlist(ctx))
	if err != nil {
		return nil, err
	}
	node := func(context.Context, bool) (*v1.Node, error) { return worker(), nil }
	plugins := func(*schedulerframework.NodeInfo, *lifecycle.PodAdmitAttributes) error { return nil }
	return lifecycle.PodAdmitHandlers{
		allowed,
		lifecycle.NewPredicateAdmitHandler(node, lifecycle.NewAdmissionFailureHandlerStub(), plugins),
		lifecycle.NewPodFeaturesAdmitHandler(),
	}, nil
}

func worker() *v1.Node {
	room := v1.ResourceList{
		v1.ResourceCPU:    resource.MustParse("64"),
		v1.ResourceMemory: resource.MustParse("256Gi"),
		v1.ResourcePods:   resource.MustParse("110"),
	}
	return &v1.Node{
		ObjectMeta: metav1.ObjectMeta{
			Name: "windows-0",
			Labels: map[string]string{
				v1.LabelOSStable: "windows", v1.LabelArchStable: "amd64", v1.LabelWindowsBuild: "10.0.20348",
			},
		},
		Spec:   v1.NodeSpec{Taints: []v1.Taint{{Key: "os", Value: "windows", Effect: v1.TaintEffectNoSchedule}}},
		Status: v1.NodeStatus{Capacity: room, Allocatable: room},
	}
}

func judge(handlers lifecycle.PodAdmitHandlers, pod *v1.Pod) string {
	for _, handler := range handlers {
		if result := handler.Admit(&lifecycle.PodAdmitAttributes{Pod: pod}); !result.Admit {
			return result.Reason + ": " + strings.ReplaceAll(result.Message, "\n", " ")
		}
	}
	return ""
}
