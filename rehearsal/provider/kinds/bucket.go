package kinds

import (
	"context"
	"fmt"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"

	"microcosm.local/rehearsal/provider/cloud"
	"microcosm.local/rehearsal/provider/kind"
)

// withoutConstraint is the region that CreateBucket must not name.
const withoutConstraint = "us-east-1"

// Schema: terraform-provider-aws 6.x, website/docs/r/s3_bucket.html.markdown; the settings of a bucket are
// not modelled.
var bucket = kind.Kind{
	Type: "aws_s3_bucket", Token: "aws:s3/bucket:Bucket", Noun: "S3 bucket",
	Name: &kind.Name{Field: "bucket", Pulumi: "bucket", Length: 63, Change: strings.ToLower},
	Schema: kind.Schema{
		"arn":                         kind.Text(kind.Computed),
		"bucket":                      kind.Text(kind.Optional, kind.Computed, kind.Replaces),
		"bucket_domain_name":          kind.Text(kind.Computed),
		"bucket_region":               kind.Text(kind.Computed),
		"bucket_regional_domain_name": kind.Text(kind.Computed),
	},
	Create: func(ctx context.Context, c *cloud.Cloud, d *kind.Data) (string, error) {
		input := &s3.CreateBucketInput{Bucket: kind.Given(d, "bucket")}
		if c.Region != withoutConstraint {
			place := types.BucketLocationConstraint(c.Region)
			input.CreateBucketConfiguration = &types.CreateBucketConfiguration{LocationConstraint: place}
		}
		_, err := c.S3.CreateBucket(ctx, input)
		return d.Get("bucket").(string), err
	},
	Complete: func(ctx context.Context, c *cloud.Cloud, d *kind.Data) error {
		if tags := kind.AllTags(d); len(tags) > 0 {
			return tagBucket(ctx, c, d, nil, tags)
		}
		return nil
	},
	Read: func(ctx context.Context, c *cloud.Cloud, d *kind.Data) error {
		name := d.Id()
		if _, err := c.S3.HeadBucket(ctx, &s3.HeadBucketInput{Bucket: aws.String(name)}); err != nil {
			return cloud.AsGone(err)
		}
		if err := kind.Show(d, map[string]any{
			"arn":                         fmt.Sprintf("arn:%s:s3:::%s", c.Partition(), name),
			"bucket":                      name,
			"bucket_region":               c.Region,
			"bucket_domain_name":          name + ".s3.amazonaws.com",
			"bucket_regional_domain_name": fmt.Sprintf("%s.s3.%s.amazonaws.com", name, c.Region),
		}); err != nil {
			return err
		}
		answer, err := c.S3.GetBucketTagging(ctx, &s3.GetBucketTaggingInput{Bucket: aws.String(name)})
		if cloud.Code(err) == "NoSuchTagSet" {
			return kind.ShowTags(c, d, map[string]string{})
		}
		if err != nil {
			return cloud.AsGone(err)
		}
		return kind.ShowTags(c, d, fromS3(answer.TagSet))
	},
	Retag: tagBucket,
	Delete: func(ctx context.Context, c *cloud.Cloud, d *kind.Data) error {
		_, err := c.S3.DeleteBucket(ctx, &s3.DeleteBucketInput{Bucket: aws.String(d.Id())})
		return cloud.UnlessGone(err)
	},
	Import: kind.ByID,
}

// tagBucket writes the whole set, as S3 takes it.
func tagBucket(ctx context.Context, c *cloud.Cloud, d *kind.Data, _, tags map[string]string) error {
	name := aws.String(d.Id())
	if len(tags) == 0 {
		_, err := c.S3.DeleteBucketTagging(ctx, &s3.DeleteBucketTaggingInput{Bucket: name})
		return err
	}
	_, err := c.S3.PutBucketTagging(
		ctx,
		&s3.PutBucketTaggingInput{Bucket: name, Tagging: &types.Tagging{TagSet: s3Pairs(tags)}},
	)
	return err
}

func s3Pairs(tags map[string]string) []types.Tag {
	return cloud.Pairs(tags, func(key, value *string) types.Tag { return types.Tag{Key: key, Value: value} })
}

func fromS3(list []types.Tag) map[string]string {
	return cloud.FromPairs(list, func(tag types.Tag) (*string, *string) { return tag.Key, tag.Value })
}
