package cloud

import (
	"context"
	"fmt"
	"slices"
	"time"
)

const (
	// pollInterval is the pause between two looks. The official provider looks less often; what it decides is
	// the same.
	pollInterval = 200 * time.Millisecond
	// Release bounds the wait for others to let go of a thing, where the program sets no timeout of its own.
	// The
	// official provider waits for 5 to 20 minutes, which is longer than a rehearsal.
	Release = 60 * time.Second
	// Propagation is how long the official provider gives IAM and EC2 to show a new object everywhere
	// (terraform-provider-aws, internal/service/iam/wait.go and internal/service/ec2/consts.go,
	// propagationTimeout).
	Propagation = 2 * time.Minute
	// StateChange bounds starting, stopping and terminating an instance (ec2_instance.go, Timeouts).
	StateChange = 10 * time.Minute
)

// Until polls the condition and returns when it holds.
func Until(ctx context.Context, event string, timeout time.Duration, holds func() (bool, error)) error {
	limit := time.Now().Add(timeout)
	for {
		done, err := holds()
		if done || err != nil {
			return err
		}
		if time.Now().After(limit) {
			return fmt.Errorf("%s did not happen within %.0f s", event, timeout.Seconds())
		}
		if err := pause(ctx); err != nil {
			return err
		}
	}
}

// While repeats the call as long as it fails in a way that passes by, and returns its last error.
func While(ctx context.Context, timeout time.Duration, passes func(error) bool, call func() error) error {
	limit := time.Now().Add(timeout)
	for {
		err := call()
		if err == nil || !passes(err) || time.Now().After(limit) {
			return err
		}
		if pause(ctx) != nil {
			return err
		}
	}
}

// WhenReleased deletes a thing that others may still be letting go of: AWS answers one of the codes for a
// while.
func WhenReleased(ctx context.Context, timeout time.Duration, codes []string, call func() error) error {
	return UnlessGone(
		While(ctx, timeout, func(err error) bool { return slices.Contains(codes, Code(err)) }, call),
	)
}

// InUse is EC2's code for a thing that another one still depends on.
var InUse = []string{"DependencyViolation"}

func pause(ctx context.Context) error {
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-time.After(pollInterval):
		return nil
	}
}
