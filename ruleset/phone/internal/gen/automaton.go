package main

import (
	"encoding/binary"
	"fmt"
	"regexp/syntax"
	"slices"
)

// A node is one state of an automaton over the digits 0 to 9. Nodes are made
// from their successors and shared by content, so that equal nodes are the
// same node and the whole is minimal without a step of its own.
type node struct {
	label uint16 // what a number that ends here is; 0 is nothing
	next  [10]id
}

// id names a node of a graph.
type id int32

const (
	dead id = iota // nothing matches from here
	all            // everything matches from here; label claimed
)

// claimed is the label of a number that a region takes by its leading digits
// without knowing it: no later region of the calling code is asked.
const claimed = 0xffff

// A graph holds nodes, each content once.
type graph struct {
	nodes []node
	ids   map[node]id
}

func newGraph() *graph {
	g := &graph{ids: make(map[node]id)}
	everything := node{label: claimed}
	for d := range everything.next {
		everything.next[d] = all
	}
	g.add(node{})
	g.add(everything)
	return g
}

// add returns the node with n's content.
func (g *graph) add(n node) id {
	if known, ok := g.ids[n]; ok {
		return known
	}
	made := id(len(g.nodes))
	g.nodes = append(g.nodes, n)
	g.ids[n] = made
	return made
}

// maxDepth is more than the digits of any national number. A pattern that
// goes on for longer is not one this program understands.
const maxDepth = 20

// pattern returns the automaton of the numbers that expr matches from end to
// end, labelled 1.
func (g *graph) pattern(expr string) (id, error) {
	return g.compile(expr, false)
}

// prefix returns the automaton of the numbers that begin with a match of expr.
func (g *graph) prefix(expr string) (id, error) {
	return g.compile(expr, true)
}

func (g *graph) compile(expr string, open bool) (id, error) {
	prog, err := program(expr)
	if err != nil {
		return dead, err
	}
	memo := make(map[string]id)
	var walk func(states []uint32, depth int) (id, error)
	walk = func(states []uint32, depth int) (id, error) {
		if len(states) == 0 {
			return dead, nil
		}
		if depth > maxDepth {
			return dead, fmt.Errorf("pattern %q has no end", expr)
		}
		key := memoKey(states)
		if known, ok := memo[key]; ok {
			return known, nil
		}
		var n node
		for _, pc := range states {
			if prog.Inst[pc].Op == syntax.InstMatch {
				n.label = 1
			}
		}
		if open && n.label != 0 {
			return all, nil
		}
		for d := range n.next {
			var reached []uint32
			for _, pc := range states {
				in := &prog.Inst[pc]
				if in.Op != syntax.InstMatch && in.MatchRune(rune('0'+d)) {
					reached = closure(prog, in.Out, reached)
				}
			}
			slices.Sort(reached)
			next, err := walk(reached, depth+1)
			if err != nil {
				return dead, err
			}
			n.next[d] = next
		}
		made := g.add(n)
		memo[key] = made
		return made, nil
	}
	return walk(closure(prog, uint32(prog.Start), nil), 0)
}

// memoKey returns a string that is the same for the same numbers only.
func memoKey[T ~int32 | ~uint32](numbers []T) string {
	key := make([]byte, 0, 4*len(numbers))
	for _, n := range numbers {
		key = binary.LittleEndian.AppendUint32(key, uint32(n))
	}
	return string(key)
}

// closure adds to states what is reached from pc without reading a digit.
func closure(prog *syntax.Prog, pc uint32, states []uint32) []uint32 {
	switch in := prog.Inst[pc]; in.Op {
	case syntax.InstAlt, syntax.InstAltMatch:
		states = closure(prog, in.Out, states)
		return closure(prog, in.Arg, states)
	case syntax.InstCapture, syntax.InstNop:
		return closure(prog, in.Out, states)
	case syntax.InstFail:
		return states
	}
	if slices.Contains(states, pc) {
		return states
	}
	return append(states, pc)
}

// program compiles expr as the library would.
func program(expr string) (*syntax.Prog, error) {
	tree, err := syntax.Parse(expr, syntax.Perl)
	if err != nil {
		return nil, fmt.Errorf("pattern %q: %w", expr, err)
	}
	prog, err := syntax.Compile(tree.Simplify())
	if err != nil {
		return nil, fmt.Errorf("pattern %q: %w", expr, err)
	}
	return prog, nil
}

// lengths returns the automaton of the numbers whose count of digits is one
// of want.
func (g *graph) lengths(want []int32) id {
	next := dead
	for n := int32(maxDepth); n >= 0; n-- {
		var at node
		if slices.Contains(want, n) {
			at.label = 1
		}
		for d := range at.next {
			at.next[d] = next
		}
		next = g.add(at)
	}
	return next
}

// join returns the automaton whose labels are what label makes of those of
// the parts. Where part 0 is dead the result is dead, if guarded.
func (g *graph) join(parts []id, guarded bool, label func([]uint16) uint16) id {
	memo := make(map[string]id)
	var walk func(parts []id) id
	walk = func(parts []id) id {
		stop := parts[0] == dead && guarded
		if !stop && !slices.ContainsFunc(parts, func(p id) bool { return p != dead && p != all }) {
			// Nothing but constants: the answer is a constant too.
			if label(g.labels(parts)) == 0 {
				stop = true
			} else {
				return all
			}
		}
		if stop {
			return dead
		}
		key := memoKey(parts)
		if known, ok := memo[key]; ok {
			return known
		}
		n := node{label: label(g.labels(parts))}
		for d := range n.next {
			next := make([]id, len(parts))
			for i, p := range parts {
				next[i] = g.nodes[p].next[d]
			}
			n.next[d] = walk(next)
		}
		made := g.add(n)
		memo[key] = made
		return made
	}
	return walk(parts)
}

func (g *graph) labels(parts []id) []uint16 {
	labels := make([]uint16, len(parts))
	for i, p := range parts {
		labels[i] = g.nodes[p].label
	}
	return labels
}

// prune returns the nodes that roots reach, renumbered from dead = 0, and the
// roots' new names. The label claimed becomes none.
func (g *graph) prune(roots []id) ([]node, []id) {
	var kept []node
	names := make(map[id]id)
	index := make(map[node]id)
	var keep func(id) id
	keep = func(old id) id {
		if old == all {
			old = dead
		}
		if name, ok := names[old]; ok {
			return name
		}
		if old == dead {
			names[dead] = id(len(kept))
			kept = append(kept, node{})
			return names[dead]
		}
		n := g.nodes[old]
		if n.label == claimed {
			n.label = 0
		}
		for d := range n.next {
			n.next[d] = keep(n.next[d])
		}
		if n == (node{}) {
			names[old] = names[dead]
			return names[dead]
		}
		if name, ok := index[n]; ok {
			names[old] = name
			return name
		}
		name := id(len(kept))
		kept = append(kept, n)
		names[old], index[n] = name, name
		return name
	}
	keep(dead)
	out := make([]id, len(roots))
	for i, r := range roots {
		out[i] = keep(r)
	}
	return kept, out
}
