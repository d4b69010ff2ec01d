package kinds

import (
	"context"
	"fmt"
	"net/url"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/hashicorp/terraform-plugin-sdk/v2/helper/schema"
	"github.com/hashicorp/terraform-plugin-sdk/v2/helper/validation"

	"microcosm.local/rehearsal/provider/cloud"
	"microcosm.local/rehearsal/provider/kind"
)

// Schema, plan and calls: terraform-provider-aws 6.x at 033c721bf1ed, internal/service/s3/object.go.
var object = kind.Kind{
	Type:  "aws_s3_object",
	Token: "aws:s3/bucketObjectv2:BucketObjectv2",
	Noun:  "S3 object",
	Name:  &kind.Name{Field: "key", Pulumi: "key", Length: 255},
	Schema: kind.Schema{
		"arn":          kind.Text(kind.Computed),
		"bucket":       kind.Text(kind.Required, kind.Replaces, kind.Checked(validation.NoZeroValues)),
		"content":      kind.Text(kind.Optional),
		"content_type": kind.Text(kind.Optional, kind.Computed),
		"etag":         kind.Text(kind.Optional, kind.Computed),
		"key":          kind.Text(kind.Required, kind.Replaces, kind.Checked(validation.NoZeroValues)),
		"version_id":   kind.Text(kind.Computed),
	},
	Plan: func(_ context.Context, diff *schema.ResourceDiff, _ any) error {
		if diff.HasChanges("content", "content_type", "etag") {
			return diff.SetNewComputed("version_id")
		}
		return nil
	},
	Create: func(ctx context.Context, c *cloud.Cloud, d *kind.Data) (string, error) {
		return fmt.Sprintf("%s/%s", d.Get("bucket"), d.Get("key")), upload(ctx, c, d)
	},
	Read: func(ctx context.Context, c *cloud.Cloud, d *kind.Data) error {
		place, key := kind.Given(d, "bucket"), kind.Given(d, "key")
		head, err := c.S3.HeadObject(ctx, &s3.HeadObjectInput{Bucket: place, Key: key})
		if err != nil {
			return cloud.AsGone(err)
		}
		tagging, err := c.S3.GetObjectTagging(ctx, &s3.GetObjectTaggingInput{Bucket: place, Key: key})
		if err != nil {
			return cloud.AsGone(err)
		}
		if err := kind.Show(d, map[string]any{
			"arn": fmt.Sprintf("arn:%s:s3:::%s", c.Partition(), d.Id()), "content_type": head.ContentType,
			"etag": strings.Trim(aws.ToString(head.ETag), `"`), "version_id": head.VersionId,
		}); err != nil {
			return err
		}
		return kind.ShowTags(c, d, fromS3(tagging.TagSet))
	},
	// An object is written whole, with its tags.
	Update: upload,
	Retag: func(context.Context, *cloud.Cloud, *kind.Data, map[string]string, map[string]string) error {
		return nil
	},
	Delete: func(ctx context.Context, c *cloud.Cloud, d *kind.Data) error {
		_, err := c.S3.DeleteObject(
			ctx,
			&s3.DeleteObjectInput{Bucket: kind.Given(d, "bucket"), Key: kind.Given(d, "key")},
		)
		return cloud.UnlessGone(err)
	},
	Import: func(_ context.Context, _ *cloud.Cloud, d *kind.Data) error {
		name, key, two := strings.Cut(strings.TrimPrefix(d.Id(), "s3://"), "/")
		if !two {
			return fmt.Errorf("the id must be BUCKET/KEY")
		}
		d.SetId(name + "/" + key)
		return kind.Show(d, map[string]any{"bucket": name, "key": key})
	},
}

func upload(ctx context.Context, c *cloud.Cloud, d *kind.Data) error {
	tags := url.Values{}
	for key, value := range kind.AllTags(d) {
		tags.Set(key, value)
	}
	input := &s3.PutObjectInput{
		Body:        strings.NewReader(d.Get("content").(string)),
		Bucket:      kind.Given(d, "bucket"),
		ContentType: kind.Given(d, "content_type"),
		Key:         kind.Given(d, "key"),
	}
	if len(tags) > 0 {
		input.Tagging = aws.String(tags.Encode())
	}
	_, err := c.S3.PutObject(ctx, input)
	return err
}
