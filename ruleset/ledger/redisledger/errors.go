package redisledger

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"strings"

	"github.com/redis/go-redis/v9"
)

// isReply reports whether err is an answer of the server.
func isReply(err error) bool {
	var reply redis.Error
	return errors.As(err, &reply)
}

// isTimeout reports whether err is about a server that said nothing at all.
func isTimeout(err error) bool {
	var timeout net.Error
	return errors.Is(err, context.DeadlineExceeded) || errors.As(err, &timeout) && timeout.Timeout()
}

// isUnsent reports whether err says that nothing has reached the server.
func isUnsent(err error) bool {
	var op *net.OpError
	return errors.As(err, &op) && op.Op == "dial"
}

// plain describes a failure without the server's words where those could
// repeat what was sent.
func plain(err error) error {
	switch {
	case err == nil:
		return nil
	case isReply(err):
		return explain(err)
	case isUnsent(err):
		return fmt.Errorf("connecting: %w", err)
	case errors.Is(err, io.EOF):
		return fmt.Errorf("%w: the connection was closed", ErrUncertain)
	default:
		return fmt.Errorf("%w: %w", ErrUncertain, err)
	}
}

// needed is what the server's user has to be allowed.
const needed = "+eval +evalsha +time +get +mget +set +psetex +setrange +del +info, with wait_replicas +wait, in a cluster +cluster|slots +asking, and the keys {otp:NAME}*"

// explain says what an operator can do about a reply that is an error. The
// server's words are kept: they name commands and users, and no passwords.
func explain(err error) error {
	switch {
	case redis.HasErrorPrefix(err, "WRONGPASS"), redis.HasErrorPrefix(err, "NOAUTH"):
		return fmt.Errorf("the server does not take the user and password of the address: %w", err)
	case redis.HasErrorPrefix(err, "NOPERM"), inScript(err):
		return fmt.Errorf("the server's user lacks a permission, it needs %s: %w", needed, err)
	case redis.HasErrorPrefix(err, "READONLY"):
		return fmt.Errorf("the server is a replica, and the address has to lead to the master: %w", err)
	case redis.HasErrorPrefix(err, "NOREPLICAS"):
		return fmt.Errorf("the server has fewer replicas than its min-replicas-to-write: %w", err)
	case redis.HasErrorPrefix(err, "MISCONF"):
		return fmt.Errorf("the server can not write its snapshot, and takes nothing until it can: %w", err)
	default:
		return err
	}
}

// inScript reports whether a command of a script was not permitted, which
// servers say in several ways.
func inScript(err error) bool {
	return strings.Contains(err.Error(), "ACL failure in script") || strings.Contains(err.Error(), "user executing the script can't run this command")
}
