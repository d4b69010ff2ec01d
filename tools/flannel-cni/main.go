// A stand-in for the CNI plugin "flannel" (github.com/flannel-io/cni-plugin), which is not published as a Go
// module.
//
// It does what that plugin does on Linux: reads the lease that flanneld wrote, completes the "delegate" part
// of its own configuration with it, and lets the delegate (bridge with host-local addresses, unless told
// otherwise) do the work. The completed configuration is kept, because the lease may be another one by the
// time that the pod goes.
package main

import (
	"encoding/json"
	"fmt"
	"net"
	"os"
	"strconv"
	"strings"

	"github.com/containernetworking/cni/pkg/skel"
	"github.com/containernetworking/cni/pkg/types"
	"github.com/containernetworking/cni/pkg/version"
)

const defaultSubnetFile = "/run/flannel/subnet.env"

// netConf is the plugin's entry in /etc/cni/net.d.
type netConf struct {
	types.PluginConf
	SubnetFile    string          `json:"subnetFile"`
	DataDir       string          `json:"dataDir"`
	Delegate      map[string]any  `json:"delegate"`
	RuntimeConfig json.RawMessage `json:"runtimeConfig,omitempty"`
}

// lease is what flanneld says about this node.
type lease struct {
	network *net.IPNet
	subnet  *net.IPNet
	mtu     int
	ipMasq  bool
}

func main() {
	funcs := skel.CNIFuncs{Add: add, Del: del, Check: check}
	about := "flannel: stand-in of the Microcosm rehearsal for flannel-io/cni-plugin"
	skel.PluginMainFuncs(funcs, version.All, about)
}

func load(stdin []byte) (*netConf, error) {
	conf := &netConf{SubnetFile: defaultSubnetFile, DataDir: defaultDataDir}
	if err := json.Unmarshal(stdin, conf); err != nil {
		return nil, types.NewError(types.ErrDecodingFailure, "network configuration is not JSON", err.Error())
	}
	return conf, nil
}

func readLease(path string) (*lease, error) {
	content, err := os.ReadFile(path)
	if err != nil {
		return nil, types.NewError(types.ErrTryAgainLater, "flanneld has no lease yet", err.Error())
	}
	values := map[string]string{}
	for _, line := range strings.Split(string(content), "\n") {
		if name, value, found := strings.Cut(strings.TrimSpace(line), "="); found {
			values[name] = value
		}
	}
	return parseLease(values)
}

func parseLease(values map[string]string) (*lease, error) {
	_, network, err := net.ParseCIDR(values["FLANNEL_NETWORK"])
	if err != nil {
		return nil, fmt.Errorf("FLANNEL_NETWORK: %w", err)
	}
	_, subnet, err := net.ParseCIDR(values["FLANNEL_SUBNET"])
	if err != nil {
		return nil, fmt.Errorf("FLANNEL_SUBNET: %w", err)
	}
	mtu, err := strconv.Atoi(values["FLANNEL_MTU"])
	if err != nil {
		return nil, fmt.Errorf("FLANNEL_MTU: %w", err)
	}
	return &lease{network: network, subnet: subnet, mtu: mtu, ipMasq: values["FLANNEL_IPMASQ"] == "true"}, nil
}

// complete is the delegate's configuration: what the administrator wrote, and the lease where nothing was
// written.
func complete(conf *netConf, lease *lease) ([]byte, error) {
	delegate := map[string]any{
		"type": "bridge",
		"mtu":  lease.mtu,
		// Either flanneld masquerades or the bridge does, never both.
		"ipMasq": !lease.ipMasq,
	}
	for key, value := range conf.Delegate {
		delegate[key] = value
	}
	if delegate["type"] == "bridge" && delegate["isGateway"] == nil {
		delegate["isGateway"] = true
	}
	delegate["name"] = conf.Name
	delegate["cniVersion"] = conf.CNIVersion
	delegate["ipam"] = map[string]any{
		"type":   "host-local",
		"ranges": [][]map[string]string{{{"subnet": lease.subnet.String()}}},
		"routes": []map[string]string{{"dst": lease.network.String()}},
	}
	if conf.RuntimeConfig != nil {
		delegate["runtimeConfig"] = conf.RuntimeConfig
	}
	return json.Marshal(delegate)
}
