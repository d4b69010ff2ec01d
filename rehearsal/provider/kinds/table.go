// Package kinds is the resource types of the stand-in, one file each. The schemas state facts of the official
// provider:
// each file names the source and the version that they were read in.
package kinds

import "microcosm.local/rehearsal/provider/kind"

// All lists every type of the SDKv2 half of the provider; package rules has the framework half.
var All = []*kind.Kind{
	&eip, &eipAssociation, &instance, &internetGateway, &route, &routeTable, &routeTableAssociation,
	&securityGroup, &subnet, &vpc,
	&instanceProfile, &role, &rolePolicy,
	&bucket, &object,
	&parameter,
}

// first returns the one item of a describe call; AWS answers with an empty list, too, where it knows no such
// thing.
func first[T any](items []T) (T, bool) {
	if len(items) == 0 {
		var none T
		return none, false
	}
	return items[0], true
}
