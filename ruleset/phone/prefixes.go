package phone

// Prefixes maps beginnings of numbers to values. The zero Prefixes is empty.
// It may be read from several goroutines at once.
type Prefixes[V any] struct {
	values  map[string]V
	longest int
}

// Set gives a prefix, in the form that [ParsePrefix] returns, its value.
func (p *Prefixes[V]) Set(prefix string, value V) {
	if p.values == nil {
		p.values = make(map[string]V)
	}
	p.values[prefix] = value
	p.longest = max(p.longest, len(prefix))
}

// Get returns the value of just this prefix.
func (p *Prefixes[V]) Get(prefix string) (V, bool) {
	v, ok := p.values[prefix]
	return v, ok
}

// Longest returns the value of the longest prefix that n has, in whatever
// spelling: those that [Number.HasPrefix] tries. It is false if n has none.
func (p *Prefixes[V]) Longest(n Number) (value V, ok bool) {
	if n.IsZero() || len(p.values) == 0 {
		return value, false
	}
	found := 0
	var buf [maxDigits + 4]byte
	look := func(spelling []byte) {
		for l := min(len(spelling), p.longest); l > found; l-- {
			if v, has := p.values[string(spelling[:l])]; has {
				value, found = v, l
				return
			}
		}
	}
	look(n.key.append(buf[:0]))
	if n.written != n.key {
		look(n.written.append(buf[:0]))
	}
	if text, has := n.older(buf[:0]); has {
		look(text)
	}
	return value, found > 0
}
