// Command pulumi-resource-aws is the rehearsal's stand-in for Pulumi's aws provider. Check, Diff, previews,
// names, secrets and state are Pulumi's own bridge, as in the official one; the schemas and the calls to AWS
// are ours, for the types that
// this project uses and no others.
package main

import (
	"context"
	"fmt"
	"io"
	"log"
	"os"
	"slices"

	pf "github.com/pulumi/pulumi-terraform-bridge/v3/pkg/pf/tfbridge"
)

// version is that of the SDK which this provider serves; the build writes it.
var version = "0.0.0"

func main() {
	if os.Getenv("TF_LOG") == "" {
		// Terraform's SDK logs to standard error, which the engine shows to the user.
		log.SetOutput(io.Discard)
	}
	info := providerInfo()
	if slices.Contains(os.Args[1:], namesFlag) {
		if err := printNames(info); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		return
	}
	// The package's schema is only of use to generate SDKs.
	pf.MainWithMuxer(context.Background(), "aws", info, []byte("{}"))
}
