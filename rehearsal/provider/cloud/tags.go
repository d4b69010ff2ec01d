package cloud

import (
	"context"
	"maps"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"
)

// ofAWS begins the keys of the tags that AWS itself sets, which no program can own.
const ofAWS = "aws:"

// Visible leaves out the tags that AWS itself sets.
func Visible(tags map[string]string) map[string]string {
	seen := maps.Clone(tags)
	maps.DeleteFunc(seen, func(key, _ string) bool { return strings.HasPrefix(key, ofAWS) })
	return seen
}

// Own leaves out the tags that come from the provider's defaults, unless the program repeats them.
func (c *Cloud) Own(tags, repeated map[string]string) map[string]string {
	own := maps.Clone(tags)
	maps.DeleteFunc(own, func(key, value string) bool {
		_, kept := repeated[key]
		standard, is := c.DefaultTags[key]
		return is && standard == value && !kept
	})
	return own
}

// Changes lists what must be written and what must be removed to get from one set of tags to another.
func Changes(from, to map[string]string) (written map[string]string, removed []string) {
	written = maps.Clone(to)
	maps.DeleteFunc(
		written,
		func(key, value string) bool { old, there := from[key]; return there && old == value },
	)
	for _, key := range sorted(from) {
		if _, kept := to[key]; !kept {
			removed = append(removed, key)
		}
	}
	return written, removed
}

// Pairs writes tags as a list of the service's own type, in a fixed order.
func Pairs[T any](tags map[string]string, pair func(key, value *string) T) []T {
	var list []T
	for _, key := range sorted(tags) {
		list = append(list, pair(aws.String(key), aws.String(tags[key])))
	}
	return list
}

// FromPairs reads a service's list of tags.
func FromPairs[T any](list []T, of func(T) (key, value *string)) map[string]string {
	tags := map[string]string{}
	for _, each := range list {
		key, value := of(each)
		tags[aws.ToString(key)] = aws.ToString(value)
	}
	return Visible(tags)
}

// EC2Pairs writes tags as EC2 wants them.
func EC2Pairs(tags map[string]string) []types.Tag {
	return Pairs(tags, func(key, value *string) types.Tag { return types.Tag{Key: key, Value: value} })
}

// FromEC2 reads the tags of an object of EC2.
func FromEC2(list []types.Tag) map[string]string {
	return FromPairs(list, func(tag types.Tag) (*string, *string) { return tag.Key, tag.Value })
}

// OnCreation puts the tags into the call that creates the object, so that it never exists without them.
func OnCreation(kind types.ResourceType, tags map[string]string) []types.TagSpecification {
	if len(tags) == 0 {
		return nil
	}
	return []types.TagSpecification{{ResourceType: kind, Tags: EC2Pairs(tags)}}
}

// Retag gets from one set of tags to another by the service's own two calls, each only where it has work.
func Retag(
	from, to map[string]string,
	remove func(keys []string) error,
	write func(tags map[string]string) error,
) error {
	written, removed := Changes(from, to)
	if len(removed) > 0 {
		if err := remove(removed); err != nil {
			return err
		}
	}
	if len(written) == 0 {
		return nil
	}
	return write(written)
}

// RetagEC2 changes the tags of an object of EC2.
func (c *Cloud) RetagEC2(ctx context.Context, id string, from, to map[string]string) error {
	return Retag(from, to, func(removed []string) error {
		keys := make([]types.Tag, len(removed))
		for i := range removed {
			keys[i] = types.Tag{Key: aws.String(removed[i])}
		}
		_, err := c.EC2.DeleteTags(ctx, &ec2.DeleteTagsInput{Resources: []string{id}, Tags: keys})
		return err
	}, func(written map[string]string) error {
		_, err := c.EC2.CreateTags(ctx, &ec2.CreateTagsInput{Resources: []string{id}, Tags: EC2Pairs(written)})
		return err
	})
}

func sorted(tags map[string]string) []string { return slices.Sorted(maps.Keys(tags)) }
