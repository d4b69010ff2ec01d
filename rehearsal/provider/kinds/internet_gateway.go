package kinds

import (
	"context"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"

	"microcosm.local/rehearsal/provider/cloud"
	"microcosm.local/rehearsal/provider/kind"
)

// Schema and calls: terraform-provider-aws 4.x at 08923b68b5ad, internal/service/ec2/vpc_internet_gateway.go.
var internetGateway = kind.Kind{
	Type: "aws_internet_gateway", Token: "aws:ec2/internetGateway:InternetGateway", Noun: "internet gateway",
	Schema: kind.Schema{
		"arn":      kind.Text(kind.Computed),
		"owner_id": kind.Text(kind.Computed),
		"vpc_id":   kind.Text(kind.Optional, kind.Computed),
	},
	Create: func(ctx context.Context, c *cloud.Cloud, d *kind.Data) (string, error) {
		made, err := c.EC2.CreateInternetGateway(ctx, &ec2.CreateInternetGatewayInput{
			TagSpecifications: cloud.OnCreation(types.ResourceTypeInternetGateway, kind.AllTags(d)),
		})
		if err != nil {
			return "", err
		}
		return aws.ToString(made.InternetGateway.InternetGatewayId), nil
	},
	Complete: func(ctx context.Context, c *cloud.Cloud, d *kind.Data) error {
		return attach(ctx, c, d.Id(), d.Get("vpc_id").(string))
	},
	Read: func(ctx context.Context, c *cloud.Cloud, d *kind.Data) error {
		found, err := describeGateway(ctx, c, d.Id())
		if err != nil {
			return err
		}
		arn, err := c.EC2ARN(aws.ToString(found.OwnerId), "internet-gateway/"+d.Id())
		if err != nil {
			return err
		}
		if err := kind.Show(
			d,
			map[string]any{"arn": arn, "owner_id": found.OwnerId, "vpc_id": attachedTo(found)},
		); err != nil {
			return err
		}
		return kind.ShowTags(c, d, cloud.FromEC2(found.Tags))
	},
	Update: func(ctx context.Context, c *cloud.Cloud, d *kind.Data) error {
		if !d.HasChange("vpc_id") {
			return nil
		}
		if err := detach(ctx, c, d); err != nil {
			return err
		}
		return attach(ctx, c, d.Id(), d.Get("vpc_id").(string))
	},
	Delete: func(ctx context.Context, c *cloud.Cloud, d *kind.Data) error {
		if err := detach(ctx, c, d); err != nil {
			return cloud.UnlessGone(err)
		}
		return cloud.WhenReleased(ctx, kind.Patience(d), cloud.InUse, func() error {
			_, err := c.EC2.DeleteInternetGateway(
				ctx,
				&ec2.DeleteInternetGatewayInput{InternetGatewayId: aws.String(d.Id())},
			)
			return err
		})
	},
	Import: kind.ByID,
}

func describeGateway(ctx context.Context, c *cloud.Cloud, id string) (types.InternetGateway, error) {
	answer, err := c.EC2.DescribeInternetGateways(
		ctx,
		&ec2.DescribeInternetGatewaysInput{InternetGatewayIds: []string{id}},
	)
	if err != nil {
		return types.InternetGateway{}, cloud.AsGone(err)
	}
	found, there := first(answer.InternetGateways)
	if !there {
		return found, cloud.ErrGone
	}
	return found, nil
}

func attachedTo(gateway types.InternetGateway) string {
	attachment, _ := first(gateway.Attachments)
	return aws.ToString(attachment.VpcId)
}

func attach(ctx context.Context, c *cloud.Cloud, id, vpc string) error {
	if vpc == "" {
		return nil
	}
	_, err := c.EC2.AttachInternetGateway(
		ctx,
		&ec2.AttachInternetGatewayInput{InternetGatewayId: aws.String(id), VpcId: aws.String(vpc)},
	)
	return err
}

// detach asks AWS which VPC it is: the state of a gateway whose attachment failed names one that it never
// had.
func detach(ctx context.Context, c *cloud.Cloud, d *kind.Data) error {
	found, err := describeGateway(ctx, c, d.Id())
	if err != nil || attachedTo(found) == "" {
		return err
	}
	// Not attached any more is what was wanted (detachInternetGateway there).
	return cloud.WhenReleased(ctx, kind.Patience(d), cloud.InUse, func() error {
		_, err := c.EC2.DetachInternetGateway(ctx, &ec2.DetachInternetGatewayInput{
			InternetGatewayId: aws.String(d.Id()), VpcId: aws.String(attachedTo(found)),
		})
		return err
	})
}
