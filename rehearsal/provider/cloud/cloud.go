// Package cloud is AWS as the resource types see it: one account in one region.
package cloud

import (
	"context"
	"strings"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/ratelimit"
	"github.com/aws/aws-sdk-go-v2/aws/retry"
	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/ssm"
	"github.com/aws/aws-sdk-go-v2/service/sts"
)

// DefaultAttempts is the number of attempts of the official provider where max_retries is not set
// (terraform-provider-aws, website/docs/index.html.markdown, max_retries).
const DefaultAttempts = 25

// longestPause bounds the pause between two attempts of one call; it is the AWS SDK's own default.
const longestPause = 20 * time.Second

// Cloud holds the clients of one configuration of the provider.
type Cloud struct {
	Region      string
	DefaultTags map[string]string

	EC2 *ec2.Client
	IAM *iam.Client
	S3  *s3.Client
	SSM *ssm.Client

	Identity func() (*sts.GetCallerIdentityOutput, error)
}

// Open makes the clients. The endpoint and the credentials come from the environment, as the AWS SDK reads
// it.
func Open(ctx context.Context, region string, attempts int, defaultTags map[string]string) (*Cloud, error) {
	settings, err := config.LoadDefaultConfig(
		ctx,
		config.WithRegion(region),
		config.WithRetryer(retryer(attempts)),
	)
	if err != nil {
		return nil, err
	}
	tokens := sts.NewFromConfig(settings)
	return &Cloud{
		Region:      region,
		DefaultTags: defaultTags,
		EC2:         ec2.NewFromConfig(settings),
		IAM:         iam.NewFromConfig(settings),
		S3:          s3.NewFromConfig(settings),
		SSM:         ssm.NewFromConfig(settings),
		// The call outlives the request that happens to be the first to need it.
		Identity: sync.OnceValues(func() (*sts.GetCallerIdentityOutput, error) {
			return tokens.GetCallerIdentity(context.Background(), &sts.GetCallerIdentityInput{})
		}),
	}, nil
}

// retryer repeats calls as the official provider does: without the SDK's budget for retries, which 16
// operations at
// once would use up (hashicorp/aws-sdk-go-base v2, aws_config.go, RetryModeStandard with ratelimit.None).
func retryer(attempts int) func() aws.Retryer {
	return func() aws.Retryer {
		return retry.NewStandard(func(options *retry.StandardOptions) {
			options.MaxAttempts = attempts
			options.MaxBackoff = longestPause
			options.RateLimiter = ratelimit.None
		})
	}
}

// Partition names the AWS partition of the region.
func (c *Cloud) Partition() string {
	switch {
	case strings.HasPrefix(c.Region, "cn-"):
		return "aws-cn"
	case strings.HasPrefix(c.Region, "us-gov-"):
		return "aws-us-gov"
	}
	return "aws"
}

// EC2ARN names a resource of EC2 in the account of its owner; an empty owner is the caller's account.
func (c *Cloud) EC2ARN(owner, resource string) (string, error) {
	if owner == "" {
		identity, err := c.Identity()
		if err != nil {
			return "", err
		}
		owner = aws.ToString(identity.Account)
	}
	return strings.Join([]string{"arn", c.Partition(), "ec2", c.Region, owner, resource}, ":"), nil
}
