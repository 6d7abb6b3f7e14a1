package ruleset

import (
	"bytes"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/binary"
	"net/netip"
	"time"

	"github.com/dchest/siphash"

	"github.com/otpgate/otpgate/ruleset/ledger"
)

// Keys makes the keyed hashes under which a ledger counts, so that nobody can
// read numbers, addresses or devices out of it without the secret.
//
// The hash is SipHash-2-4, a pseudo-random function made for short inputs, run
// with two keys for 128 bits. Without the keys its output tells nothing of its
// input. With them, what is hashed here could be found by trying all phone
// numbers, as with any other hash; HMAC-SHA-256 would cost ten times as much
// and take nothing from that.
type Keys struct {
	k     [4]uint64
	all   ledger.Key // stands for everything, where a tally has one key
	notes [32]byte   // makes the keys that notes are encrypted with
	also  *Keys      // of the other secret; nil if there is none
}

// NewKeys returns the hashes of a secret, which should hold at least 32 random
// bytes.
//
// One other secret can be named beside it: what has been counted under that one
// counts too, and all that is charged is charged under the first. So a secret
// is exchanged in two steps, and nothing is forgotten or counted apart:
//
//  1. every gate is started with the old secret, and the new one beside it;
//  2. when all are, every gate is started with the new secret, and the old one
//     beside it, until the longest window, ban and period has ended.
//
// A member of a distinct tally that was counted under the other secret is not
// known again and counts once more: such limits may refuse too early, and
// never too late. An other secret that is the same, or empty, is none.
//
// NewKeys panics if several others are named.
func NewKeys(secret []byte, also ...[]byte) *Keys {
	if len(also) > 1 {
		panic("ruleset: one secret at most can be named beside another")
	}
	keys := keysOf(secret)
	if len(also) == 1 && len(also[0]) > 0 && !bytes.Equal(also[0], secret) {
		keys.also = keysOf(also[0])
	}
	return keys
}

func keysOf(secret []byte) *Keys {
	mac := hmac.New(sha256.New, secret)
	mac.Write([]byte("otpgate ledger keys"))
	derived := mac.Sum(nil)
	keys := new(Keys)
	for i := range keys.k {
		keys.k[i] = binary.BigEndian.Uint64(derived[8*i:])
	}
	keys.all = keys.digest('*', "")
	mac = hmac.New(sha256.New, secret)
	mac.Write([]byte("otpgate notes"))
	mac.Sum(keys.notes[:0])
	return keys
}

// longest is the longest input that is hashed without an allocation.
const longest = 1 + 256

// digest returns the hash of a value of one kind. The kind keeps equal strings
// of different meaning apart.
func (k *Keys) digest(kind byte, value string) ledger.Key {
	var buf [longest]byte
	return k.sum(append(append(buf[:0], kind), value...))
}

// Handle returns the hash of a handle: of what an app gave out for a request
// that sent a code, to ask for another by.
func (k *Keys) Handle(value string) ledger.Key { return k.digest('h', value) }

// Note returns the hash of the name of a note about a handle.
func (k *Keys) Note(name string) ledger.Key { return k.digest('n', name) }

func (k *Keys) digestUint(kind byte, value uint64) ledger.Key {
	var buf [9]byte
	return k.sum(binary.BigEndian.AppendUint64(append(buf[:0], kind), value))
}

func (k *Keys) digestPrefix(p netip.Prefix) ledger.Key {
	kind := byte('i')
	if p.Addr().Is4() {
		kind = 'I'
	}
	a := p.Addr().As16()
	var buf [18]byte
	return k.sum(append(append(buf[:0], kind, byte(p.Bits())), a[:]...))
}

func (k *Keys) sum(in []byte) ledger.Key {
	return ledger.Key{siphash.Hash(k.k[0], k.k[1], in), siphash.Hash(k.k[2], k.k[3], in)}
}

// with combines the name of a tally, or a key, with one more digest. Digests
// are pseudo-random and of different kinds, so exclusive or keeps keys apart.
func with(k, digest ledger.Key) ledger.Key {
	return ledger.Key{k[0] ^ digest[0], k[1] ^ digest[1]}
}

// seed names a tally by what it counts. It needs no secret: what is secret is
// for whom it counts.
func seed(description string) ledger.Key {
	sum := sha256.Sum256([]byte("otpgate tally\x00" + description))
	return ledger.Key{binary.BigEndian.Uint64(sum[:]), binary.BigEndian.Uint64(sum[8:])}
}

// NewID returns a new name for a request made at the time at. Like a ULID it
// begins with the time, in milliseconds, and ends in 80 random bits.
func NewID(at time.Time) ledger.ID {
	var id ledger.ID
	binary.BigEndian.PutUint64(id[:8], uint64(at.UnixMilli())<<16)
	rand.Read(id[6:])
	return id
}

const crockford = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"

// FormatID writes id as a ULID: 26 characters that sort by time.
func FormatID(id ledger.ID) string {
	hi, lo := binary.BigEndian.Uint64(id[:8]), binary.BigEndian.Uint64(id[8:])
	var s [26]byte
	for i := len(s) - 1; i >= 0; i-- {
		s[i] = crockford[lo&31]
		lo = lo>>5 | hi<<59
		hi >>= 5
	}
	return string(s[:])
}
