package network

import (
	"errors"
	"fmt"
	"math"

	"github.com/oschwald/maxminddb-golang/v2"
)

// tree is the search tree of a database: for each bit of an address, where to
// go on.
type tree struct {
	data    []byte
	nodes   uint
	perNode uint // bytes
	rest    uint // bytes of data behind the tree
	ipv6    bool
}

// separator is how many zeros there are between the tree and the data.
const separator = 16

func treeOf(r *maxminddb.Reader, data []byte) (*tree, error) {
	nodes, size := r.Metadata.NodeCount, r.Metadata.RecordSize
	if size != 24 && size != 28 && size != 32 {
		return nil, fmt.Errorf("the tree has records of %d bits: want 24, 28 or 32", size)
	}
	version := r.Metadata.IPVersion
	if version != 4 && version != 6 {
		return nil, fmt.Errorf("the IP version is %d: want 4 or 6", version)
	}
	perNode := size / 4
	if nodes > math.MaxUint32 || uint64(nodes)*uint64(perNode)+separator > uint64(len(data)) {
		return nil, fmt.Errorf("the tree is cut short: %d nodes do not fit", nodes)
	}
	t := &tree{data: data, nodes: nodes, perNode: perNode, ipv6: version == 6}
	t.rest = uint(len(data)) - nodes*perNode - separator
	return t, nil
}

// check holds that every pointer leads to a node, to nothing, or into the data.
func (t *tree) check() error {
	for n := range t.nodes {
		for bit := range uint(2) {
			pointer := t.pointer(n, bit)
			if pointer <= t.nodes {
				continue
			}
			if pointer < t.nodes+separator || pointer-t.nodes-separator >= t.rest {
				return fmt.Errorf("node %d of the tree points outside the data", n)
			}
		}
	}
	return nil
}

// pointer returns one half of a node of 6, 7 or 8 bytes.
func (t *tree) pointer(node, bit uint) uint {
	b := t.data[node*t.perNode : (node+1)*t.perNode]
	switch t.perNode {
	case 6:
		b = b[bit*3:]
		return uint(b[0])<<16 | uint(b[1])<<8 | uint(b[2])
	case 7:
		high := uint(b[3]) >> 4
		if bit == 1 {
			high = uint(b[3]) & 15
			b = b[4:]
		}
		return high<<24 | uint(b[0])<<16 | uint(b[1])<<8 | uint(b[2])
	default:
		b = b[bit*4:]
		return uint(b[0])<<24 | uint(b[1])<<16 | uint(b[2])<<8 | uint(b[3])
	}
}

// walk calls leaf4 and leaf6 for all addresses there are, in order: with the
// first address of each network and the place of its record in the data, or none.
//
// Databases of IPv6 have IPv4 at ::/96, and may lead to it from other places,
// such as 2002::/16, as well. Those are passed over, since what tunnels carry is
// found out elsewhere, and better.
func (t *tree) walk(leaf4 func(start uint32, offset uint, found bool) error, leaf6 func(high, low uint64, offset uint, found bool) error) error {
	w := &walker{tree: t, leaf4: leaf4, leaf6: leaf6, left: 8*t.nodes + 1024}
	if !t.ipv6 {
		return w.walk4(0, 0, 0)
	}
	w.ipv4 = 0
	for depth := 0; depth < 96 && w.ipv4 < t.nodes; depth++ {
		w.ipv4 = t.pointer(w.ipv4, 0)
	}
	if err := w.walk4(w.ipv4, 0, 0); err != nil {
		return err
	}
	return w.walk6(0, 0, 0, 0)
}

type walker struct {
	*tree
	leaf4 func(start uint32, offset uint, found bool) error
	leaf6 func(high, low uint64, offset uint, found bool) error
	ipv4  uint // the node where IPv4 begins
	left  uint // how many nodes may still be visited
}

// errNotATree is said of trees whose branches meet again or run in circles.
var errNotATree = errors.New("the tree is none: its branches meet")

func (w *walker) walk4(node uint, start uint32, depth int) error {
	if node >= w.nodes {
		return w.leaf4(start, node-w.nodes-separator, node > w.nodes)
	}
	if depth == 32 || w.left == 0 {
		return errNotATree
	}
	w.left--
	if err := w.walk4(w.pointer(node, 0), start, depth+1); err != nil {
		return err
	}
	return w.walk4(w.pointer(node, 1), start|1<<(31-depth), depth+1)
}

func (w *walker) walk6(node uint, high, low uint64, depth int) error {
	switch {
	case node >= w.nodes:
		return w.leaf6(high, low, node-w.nodes-separator, node > w.nodes)
	case node == w.ipv4 && depth > 0:
		return w.leaf6(high, low, 0, false)
	case depth == 128 || w.left == 0:
		return errNotATree
	}
	w.left--
	if err := w.walk6(w.pointer(node, 0), high, low, depth+1); err != nil {
		return err
	}
	if depth < 64 {
		high |= 1 << (63 - depth)
	} else {
		low |= 1 << (127 - depth)
	}
	return w.walk6(w.pointer(node, 1), high, low, depth+1)
}
