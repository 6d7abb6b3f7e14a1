package ruleset

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/binary"
	"hash"
	"net/netip"
	"sync"
	"time"

	"github.com/otpgate/otpgate/ruleset/ledger"
)

// Keys makes the keyed hashes under which a ledger counts, so that nobody can
// read numbers, addresses or devices out of it without the secret.
type Keys struct {
	macs sync.Pool
}

// NewKeys returns the hashes of one secret, which should hold at least 32
// random bytes.
func NewKeys(secret []byte) *Keys {
	secret = append([]byte(nil), secret...)
	return &Keys{macs: sync.Pool{New: func() any {
		return &mac{Hash: hmac.New(sha256.New, secret)}
	}}}
}

type mac struct {
	hash.Hash
	in  [64]byte
	out [sha256.Size]byte
}

// digest returns HMAC-SHA-256, cut to 128 bits, of a value of one kind. The
// kind keeps equal strings of different meaning apart.
func (k *Keys) digest(kind byte, value string) ledger.Key {
	m := k.macs.Get().(*mac)
	in := append(m.in[:0], kind)
	in = append(in, value...)
	key := m.sum(in)
	k.macs.Put(m)
	return key
}

func (k *Keys) digestUint(kind byte, value uint64) ledger.Key {
	m := k.macs.Get().(*mac)
	in := binary.BigEndian.AppendUint64(append(m.in[:0], kind), value)
	key := m.sum(in)
	k.macs.Put(m)
	return key
}

func (k *Keys) digestPrefix(p netip.Prefix) ledger.Key {
	m := k.macs.Get().(*mac)
	a := p.Addr().As16()
	in := append(m.in[:0], 'i', byte(p.Bits()))
	if p.Addr().Is4() {
		in[0] = 'I'
	}
	in = append(in, a[:]...)
	key := m.sum(in)
	k.macs.Put(m)
	return key
}

func (m *mac) sum(in []byte) ledger.Key {
	m.Reset()
	m.Write(in)
	out := m.Sum(m.out[:0])
	return ledger.Key{binary.BigEndian.Uint64(out), binary.BigEndian.Uint64(out[8:])}
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
