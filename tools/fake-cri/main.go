// fake-cri answers as a container runtime that is not ready: the fake of Kubernetes' own tests, served over
// TCP. A kubelet.exe under Wine asks it, because Wine has neither containerd nor a named pipe for gRPC.
// Usage: fake-cri 127.0.0.1:PORT
package main

import (
	"fmt"
	"net"
	"os"
	"time"

	"google.golang.org/grpc"
	runtime "k8s.io/cri-api/pkg/apis/runtime/v1"
	"k8s.io/cri-client/pkg/fake"
)

func main() {
	if len(os.Args) != 2 {
		fail("one argument is wanted, the address to listen on, e.g. 127.0.0.1:12345")
	}
	listener, err := net.Listen("tcp", os.Args[1])
	if err != nil {
		fail(err.Error())
	}
	if err := server().Serve(listener); err != nil {
		fail(err.Error())
	}
}

// server is not the fake's own: that one listens on unix sockets only.
func server() *grpc.Server {
	cri := fake.NewFakeRemoteRuntime()
	// Not ready: with a runtime that is, kubelet.exe goes on to its device plugins' unix socket, which Wine has
	// not, and ends.
	cri.RuntimeService.FakeStatus = &runtime.RuntimeStatus{Conditions: []*runtime.RuntimeCondition{
		{Type: runtime.RuntimeReady, Status: false, Reason: "Fake", Message: "a fake, which runs no containers"},
		{Type: runtime.NetworkReady, Status: false, Reason: "Fake", Message: "a fake, which has no network"},
	}}
	// kubelet asks where images lie before it goes on.
	cri.ImageService.FakeFilesystemUsage = []*runtime.FilesystemUsage{{
		Timestamp: time.Now().UnixNano(),
		FsId:      &runtime.FilesystemIdentifier{Mountpoint: `C:\`},
		UsedBytes: &runtime.UInt64Value{Value: 1},
	}}
	server := grpc.NewServer()
	runtime.RegisterRuntimeServiceServer(server, cri)
	runtime.RegisterImageServiceServer(server, cri)
	return server
}

func fail(reason string) {
	fmt.Fprintln(os.Stderr, "fake-cri:", reason)
	os.Exit(1)
}
