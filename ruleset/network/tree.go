package network

import (
	"fmt"
	"math"

	"github.com/oschwald/maxminddb-golang/v2"
)

// recordsOf checks the search tree node by node and returns where the records
// are that it points to.
func recordsOf(r *maxminddb.Reader, data []byte) (offsets, error) {
	const separator = 16 // zeros between the tree and the data
	nodes, size := r.Metadata.NodeCount, r.Metadata.RecordSize
	if size != 24 && size != 28 && size != 32 {
		return nil, fmt.Errorf("the tree has records of %d bits: want 24, 28 or 32", size)
	}
	if v := r.Metadata.IPVersion; v != 4 && v != 6 {
		return nil, fmt.Errorf("the IP version is %d: want 4 or 6", v)
	}
	perNode := size / 4
	if nodes > math.MaxUint32 || uint64(nodes)*uint64(perNode)+separator > uint64(len(data)) {
		return nil, fmt.Errorf("the tree is cut short: %d nodes do not fit", nodes)
	}
	rest := uint(len(data)) - nodes*perNode - separator
	found := make(offsets, rest/64+1)
	for n := range nodes {
		node := data[n*perNode : (n+1)*perNode]
		for _, pointer := range pointersOf(node) {
			switch {
			case pointer <= nodes: // another node, or nothing
			case pointer < nodes+separator, pointer-nodes-separator >= rest:
				return nil, fmt.Errorf("node %d of the tree points outside the data", n)
			default:
				found.add(pointer - nodes - separator)
			}
		}
	}
	return found, nil
}

// pointersOf returns both halves of a node of 6, 7 or 8 bytes.
func pointersOf(b []byte) [2]uint {
	u := func(b ...byte) (n uint) {
		for _, c := range b {
			n = n<<8 | uint(c)
		}
		return n
	}
	switch len(b) {
	case 6:
		return [2]uint{u(b[0], b[1], b[2]), u(b[3], b[4], b[5])}
	case 7:
		return [2]uint{u(b[3]>>4, b[0], b[1], b[2]), u(b[3]&15, b[4], b[5], b[6])}
	default:
		return [2]uint{u(b[:4]...), u(b[4:]...)}
	}
}
