// Command caddy is Caddy with the gate compiled in, as xcaddy would make it.
package main

import (
	caddycmd "github.com/caddyserver/caddy/v2/cmd"

	_ "github.com/caddyserver/caddy/v2/modules/standard" // Caddy's own modules
	_ "github.com/otpgate/otpgate"                       // the gate
)

func main() {
	caddycmd.Main()
}
