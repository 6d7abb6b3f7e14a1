package request

import (
	"bytes"
	"cmp"
	"hash/maphash"
	"slices"
)

// key is one key of an open object: a piece of body, or of scratch.
type key struct {
	start, end int32
	hash       uint32 // once there are many
	unescaped  bool
}

// keep unescapes a key and remembers it until its object ends. What it returns
// is good until the next key.
func (s *scanner) keep(start, end int, escaped bool) []byte {
	k := key{start: int32(start), end: int32(end), unescaped: escaped}
	if escaped {
		k.start = int32(len(s.scratch))
		s.scratch = unescape(s.scratch, s.body[start:end])
		k.end = int32(len(s.scratch))
	}
	s.keys = append(s.keys, k)
	return s.spelling(k)
}

func (s *scanner) spelling(k key) []byte {
	if k.unescaped {
		return s.scratch[k.start:k.end]
	}
	return s.body[k.start:k.end]
}

var seed = maphash.MakeSeed()

// repeated reports whether one key is twice in keys, which it may reorder.
func (s *scanner) repeated(keys []key) bool {
	if len(keys) > 16 {
		return s.repeatedOfMany(keys)
	}
	for i, a := range keys {
		for _, b := range keys[:i] {
			if a.end-a.start == b.end-b.start && bytes.Equal(s.spelling(a), s.spelling(b)) {
				return true
			}
		}
	}
	return false
}

// repeatedOfMany does not compare each with each: equal keys become neighbours.
// The hash is seeded, so that nobody can make many of them equal.
func (s *scanner) repeatedOfMany(keys []key) bool {
	for i := range keys {
		keys[i].hash = uint32(maphash.Bytes(seed, s.spelling(keys[i])))
	}
	order := func(a, b key) int {
		if c := cmp.Compare(a.hash, b.hash); c != 0 {
			return c
		}
		return bytes.Compare(s.spelling(a), s.spelling(b))
	}
	slices.SortFunc(keys, order)
	for i := 1; i < len(keys); i++ {
		if order(keys[i-1], keys[i]) == 0 {
			return true
		}
	}
	return false
}
