package redisledger

import "github.com/redis/go-redis/v9/logging"

// Quiet silences go-redis, which prints to the standard error what this
// package returns as errors: a line for each probe of a server that is away.
// It does so for all that use go-redis in this process.
func Quiet() { logging.Disable() }
