package main

import (
	"context"
	"encoding/json"
	"os"
	"path/filepath"

	"github.com/containernetworking/cni/pkg/invoke"
	"github.com/containernetworking/cni/pkg/skel"
	"github.com/containernetworking/cni/pkg/types"
)

const defaultDataDir = "/var/lib/cni/flannel"

func add(args *skel.CmdArgs) error {
	conf, err := load(args.StdinData)
	if err != nil {
		return err
	}
	lease, err := readLease(conf.SubnetFile)
	if err != nil {
		return err
	}
	delegate, err := complete(conf, lease)
	if err != nil {
		return err
	}
	if err := keep(conf, args, delegate); err != nil {
		return err
	}
	result, err := invoke.DelegateAdd(context.Background(), typeOf(delegate), delegate, nil)
	if err != nil {
		return err
	}
	return types.PrintResult(result, conf.CNIVersion)
}

// del undoes what add did with the configuration that add used. CNI calls it more than once, so nothing kept
// means nothing to do.
func del(args *skel.CmdArgs) error {
	conf, err := load(args.StdinData)
	if err != nil {
		return err
	}
	delegate, err := os.ReadFile(keptAt(conf, args))
	if os.IsNotExist(err) {
		return nil
	}
	if err != nil {
		return err
	}
	if err := invoke.DelegateDel(context.Background(), typeOf(delegate), delegate, nil); err != nil {
		return err
	}
	return os.Remove(keptAt(conf, args))
}

func check(args *skel.CmdArgs) error {
	conf, err := load(args.StdinData)
	if err != nil {
		return err
	}
	kept, err := os.ReadFile(keptAt(conf, args))
	if err != nil {
		return err
	}
	delegate, err := withPreviousResult(kept, conf.RawPrevResult)
	if err != nil {
		return err
	}
	return invoke.DelegateCheck(context.Background(), typeOf(delegate), delegate, nil)
}

func withPreviousResult(delegate []byte, result map[string]any) ([]byte, error) {
	var conf map[string]any
	if err := json.Unmarshal(delegate, &conf); err != nil {
		return nil, err
	}
	conf["prevResult"] = result
	return json.Marshal(conf)
}

// A container may be in several networks and have several interfaces; each has its own configuration.
func keptAt(conf *netConf, args *skel.CmdArgs) string {
	return filepath.Join(conf.DataDir, args.ContainerID+"-"+args.IfName)
}

func keep(conf *netConf, args *skel.CmdArgs, delegate []byte) error {
	if err := os.MkdirAll(conf.DataDir, 0o700); err != nil {
		return err
	}
	return os.WriteFile(keptAt(conf, args), delegate, 0o600)
}

func typeOf(delegate []byte) string {
	var conf types.PluginConf
	// It was marshalled by complete, so it is valid; a missing type makes invoke say which plugin it cannot
	// find.
	_ = json.Unmarshal(delegate, &conf)
	return conf.Type
}
