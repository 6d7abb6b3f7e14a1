package request

func (s *scanner) space() {
	for s.pos < len(s.body) {
		switch s.body[s.pos] {
		case ' ', '\t', '\n', '\r':
			s.pos++
		default:
			return
		}
	}
}

// peek is the byte at hand; 0, which begins nothing, at the end.
func (s *scanner) peek() byte {
	if s.pos < len(s.body) {
		return s.body[s.pos]
	}
	return 0
}

// value reads one value. way says for which pointers it lies on the way, all
// of them step steps from the root; depth is how deep it is nested.
func (s *scanner) value(way mask, step, depth int) fault {
	if s.pos >= len(s.body) {
		return endsEarly
	}
	switch c := s.body[s.pos]; c {
	case '{':
		if depth == maxDepth {
			return "it is nested too deep"
		}
		return s.object(way, step, depth+1)
	case '[':
		if depth == maxDepth {
			return "it is nested too deep"
		}
		return s.array(depth + 1)
	case '"':
		_, _, _, f := s.str()
		return f
	case 't':
		return s.literal("true")
	case 'f':
		return s.literal("false")
	case 'n':
		return s.literal("null")
	default:
		return s.number()
	}
}

func (s *scanner) array(depth int) fault {
	s.pos++ // [
	s.space()
	if s.peek() == ']' {
		s.pos++
		return ""
	}
	for {
		s.space()
		if f := s.value(0, 0, depth); f != "" {
			return f
		}
		s.space()
		if s.pos >= len(s.body) {
			return endsEarly
		}
		switch s.body[s.pos] {
		case ',':
			s.pos++
		case ']':
			s.pos++
			return ""
		default:
			return "a comma or the end of a list is missing"
		}
	}
}

func (s *scanner) object(way mask, step, depth int) fault {
	firstKey, firstScratch := len(s.keys), len(s.scratch)
	s.pos++ // {
	s.space()
	if s.peek() == '}' {
		s.pos++
		return ""
	}
	for {
		s.space()
		if s.pos >= len(s.body) {
			return endsEarly
		}
		if s.body[s.pos] != '"' {
			return "a key is missing"
		}
		start, end, escaped, f := s.str()
		if f != "" {
			return f
		}
		k := s.keep(start, end, escaped)
		s.space()
		if s.pos >= len(s.body) {
			return endsEarly
		}
		if s.body[s.pos] != ':' {
			return "a colon is missing"
		}
		s.pos++
		s.space()
		if f := s.member(k, way, step, depth); f != "" {
			return f
		}
		s.space()
		if s.pos >= len(s.body) {
			return endsEarly
		}
		switch s.body[s.pos] {
		case ',':
			s.pos++
		case '}':
			s.pos++
			if s.repeated(s.keys[firstKey:]) {
				s.ambiguity("a key stands twice in one object")
			}
			s.keys, s.scratch = s.keys[:firstKey], s.scratch[:firstScratch]
			return ""
		default:
			return "a comma or the end of an object is missing"
		}
	}
}

func (s *scanner) literal(word string) fault {
	for i := range len(word) {
		if s.pos == len(s.body) {
			return endsEarly
		}
		if s.body[s.pos] != word[i] {
			return "a value is malformed"
		}
		s.pos++
	}
	return ""
}

func (s *scanner) number() fault {
	if s.peek() == '-' {
		s.pos++
	}
	if s.peek() == '0' {
		s.pos++
	} else if f := s.digits(); f != "" {
		return f
	}
	if s.peek() == '.' {
		s.pos++
		if f := s.digits(); f != "" {
			return f
		}
	}
	if c := s.peek(); c == 'e' || c == 'E' {
		s.pos++
		if c := s.peek(); c == '+' || c == '-' {
			s.pos++
		}
		return s.digits()
	}
	return ""
}

// digits reads one or more.
func (s *scanner) digits() fault {
	if s.pos >= len(s.body) {
		return endsEarly
	}
	start := s.pos
	for s.pos < len(s.body) && s.body[s.pos]-'0' <= 9 {
		s.pos++
	}
	if s.pos == start {
		return "a value is malformed"
	}
	return ""
}
