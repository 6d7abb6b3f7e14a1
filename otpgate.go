// Package otpgate is a gate for Caddy in front of an app's "send me a code"
// route: a request reaches the app only if every check passes.
//
// This package is what a custom Caddy names to have it compiled in:
//
//	xcaddy build --with github.com/otpgate/otpgate
//
// It registers the Caddy modules and holds nothing else. To find your way, follow a request:
//
//		request → facts → decide → proxy → settle
//
//	  - caddymodule takes it from Caddy, answers it or passes it on, and settles
//	    what was charged once the app has answered. All that knows Caddy is there.
//	  - ruleset is the language of the ruleset file, and the decision it stands for.
//	    Begin with its Gate.
//	  - ruleset/request reads the raw values out of the request, and refuses what two
//	    parsers could read differently; ruleset/phone and ruleset/email make one key
//	    of all spellings.
//	  - ruleset/network knows addresses: lists, countries, autonomous systems.
//	  - ruleset/human looks into proofs that a person asks.
//	  - ruleset/ledger keeps what was charged: all charges of a request, or none.
//	  - ruleset/scenario runs the stories of testdata/scenarios, in simulated time.
//	  - cmd/caddy is a Caddy with the gate compiled in, for development.
package otpgate

import _ "github.com/otpgate/otpgate/caddymodule" // registers the modules
