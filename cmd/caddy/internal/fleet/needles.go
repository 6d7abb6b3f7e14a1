package fleet

import (
	"encoding/base64"
	"encoding/binary"
	"encoding/hex"
	"maps"
	"slices"
	"strconv"
	"strings"
)

// Needles are what must not be found where people are counted: their numbers,
// addresses and devices, in the spellings in which programs write them.
type Needles struct {
	what    map[string]string // by spelling
	lengths []int
}

// NeedlesOf returns all that arrivals tell of people.
func NeedlesOf(arrivals []Arrival) *Needles {
	n := &Needles{what: make(map[string]string)}
	for i := range arrivals {
		n.add(&arrivals[i].Facts)
	}
	lengths := make(map[int]bool)
	for s := range n.what {
		lengths[len(s)] = true
	}
	n.lengths = slices.Sorted(maps.Keys(lengths))
	return n
}

func (n *Needles) add(f *Facts) {
	digits := strings.TrimPrefix(f.Phone, "+")
	n.what[digits[len(digits)-10:]] = "a number" // of one's own country; the others end so
	if number, err := strconv.ParseUint(digits, 10, 64); err == nil {
		n.what[string(binary.BigEndian.AppendUint64(nil, number))] = "a number in binary"
		n.what[string(binary.LittleEndian.AppendUint64(nil, number))] = "a number in binary"
	}
	local, _, _ := strings.Cut(f.Email, "@")
	n.what[local+"@"] = "an email address"
	n.what[f.Device] = "a device"
	ip := f.IP.Unmap()
	n.what[ip.String()] = "an address"
	n.what[ip.StringExpanded()] = "an address"
	n.what[string(ip.AsSlice())] = "an address in binary"
	n.what[hex.EncodeToString(ip.AsSlice())] = "an address in hexadecimal"
}

// short needles, as the four bytes of an IPv4 address, are found by chance in
// what is random.
const short = 4

// Found is what was found, by kind. Chance is how many finds were so short that
// a few of them mean nothing.
type Found struct {
	Kinds  map[string]int
	Chance int
}

// Find looks into text as it is and, where that is the name of a key, into what
// its last 22 characters stand for in base64.
func (n *Needles) Find(text string, found *Found) {
	n.find(text, found)
	if strings.HasPrefix(text, "{") {
		if raw, err := base64.RawURLEncoding.DecodeString(text[max(0, len(text)-22):]); err == nil {
			n.find(string(raw), found)
		}
	}
}

func (n *Needles) find(text string, found *Found) {
	for _, length := range n.lengths {
		for i := 0; i+length <= len(text); i++ {
			what, is := n.what[text[i:i+length]]
			switch {
			case !is:
			case length <= short:
				found.Chance++
			default:
				if found.Kinds == nil {
					found.Kinds = make(map[string]int)
				}
				found.Kinds[what]++
			}
		}
	}
}
