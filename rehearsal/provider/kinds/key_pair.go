package kinds

import (
	"context"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"
	"github.com/hashicorp/terraform-plugin-sdk/v2/helper/schema"
	"github.com/hashicorp/terraform-plugin-sdk/v2/helper/validation"

	"microcosm.local/rehearsal/provider/cloud"
	"microcosm.local/rehearsal/provider/kind"
)

// Schema and calls: terraform-provider-aws 6.x at 05bc9541efe7 (2026), internal/service/ec2/ec2_key_pair.go.
var keyPair = kind.Kind{
	Type: "aws_key_pair", Token: "aws:ec2/keyPair:KeyPair", Noun: "key pair",
	Name: &kind.Name{Field: "key_name", Pulumi: "keyName", Length: 255},
	Schema: kind.Schema{
		"arn":         kind.Text(kind.Computed),
		"fingerprint": kind.Text(kind.Computed),
		"key_name": kind.Text(
			kind.Optional,
			kind.Computed,
			kind.Replaces,
			kind.Checked(validation.StringLenBetween(0, 255)),
		),
		"key_pair_id": kind.Text(kind.Computed),
		"key_type":    kind.Text(kind.Computed),
		"public_key":  kind.Text(kind.Required, kind.Replaces, trimmed),
	},
	Create: func(ctx context.Context, c *cloud.Cloud, d *kind.Data) (string, error) {
		made, err := c.EC2.ImportKeyPair(ctx, &ec2.ImportKeyPairInput{
			KeyName:           kind.Given(d, "key_name"),
			PublicKeyMaterial: []byte(d.Get("public_key").(string)),
			TagSpecifications: cloud.OnCreation(types.ResourceTypeKeyPair, kind.AllTags(d)),
		})
		if err != nil {
			return "", err
		}
		return aws.ToString(made.KeyName), nil
	},
	Read: func(ctx context.Context, c *cloud.Cloud, d *kind.Data) error {
		answer, err := c.EC2.DescribeKeyPairs(ctx, &ec2.DescribeKeyPairsInput{KeyNames: []string{d.Id()}})
		if err != nil {
			return cloud.AsGone(err)
		}
		found, there := first(answer.KeyPairs)
		if !there {
			return cloud.ErrGone
		}
		arn, err := c.EC2ARN("", "key-pair/"+d.Id())
		if err != nil {
			return err
		}
		if err := kind.Show(d, map[string]any{
			"arn": arn, "fingerprint": found.KeyFingerprint, "key_name": found.KeyName,
			"key_pair_id": found.KeyPairId, "key_type": found.KeyType,
		}); err != nil {
			return err
		}
		return kind.ShowTags(c, d, cloud.FromEC2(found.Tags))
	},
	Retag: func(ctx context.Context, c *cloud.Cloud, d *kind.Data, from, to map[string]string) error {
		return c.RetagEC2(ctx, d.Get("key_pair_id").(string), from, to)
	},
	Delete: func(ctx context.Context, c *cloud.Cloud, d *kind.Data) error {
		_, err := c.EC2.DeleteKeyPair(ctx, &ec2.DeleteKeyPairInput{KeyName: aws.String(d.Id())})
		return cloud.UnlessGone(err)
	},
	Import: kind.ByID,
}

func trimmed(s *schema.Schema) {
	s.StateFunc = func(value any) string { return strings.TrimSpace(value.(string)) }
}
