package caddymodule

import (
	"fmt"
	"io"
	"os"
	"strings"
	"sync"

	"golang.org/x/term"
)

// progress shows how far lists have been fetched: a line for each that is done
// and, on a terminal, a bar for those that are not.
type progress struct {
	w     io.Writer
	width int // of the terminal; 0 if there is none

	mu     sync.Mutex
	column int // where the second one begins
	left   int // how many are not done
	all    int
	coming []coming // what is being fetched, in the order it began
}

// coming is a list that is being fetched.
type coming struct {
	name        string
	read, total int64 // in bytes; total is below 0 if it is not known
}

func newProgress(w io.Writer) *progress {
	p := &progress{w: w}
	if file, ok := w.(*os.File); ok && term.IsTerminal(int(file.Fd())) {
		p.width, _, _ = term.GetSize(int(file.Fd()))
		p.width = max(p.width, 40)
	}
	return p
}

func (p *progress) begin(names []string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.all, p.left = len(names), len(names)
	for _, name := range names {
		p.column = max(p.column, len(name)+2)
	}
	p.draw()
}

// read notes how much of a list has come.
func (p *progress) read(name string, read, total int64) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for i := range p.coming {
		if p.coming[i].name == name {
			p.coming[i].read, p.coming[i].total = read, total
			p.draw()
			return
		}
	}
	p.coming = append(p.coming, coming{name, read, total})
	p.draw()
}

// done writes the line of a list.
func (p *progress) done(name, text string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.left--
	for i := range p.coming {
		if p.coming[i].name == name {
			p.coming = append(p.coming[:i], p.coming[i+1:]...)
			break
		}
	}
	p.clear()
	fmt.Fprintf(p.w, "%-*s%s\n", p.column, name, text)
	p.draw()
}

func (p *progress) end() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.clear()
}

const clearLine = "\r\x1b[K"

func (p *progress) clear() {
	if p.width > 0 {
		io.WriteString(p.w, clearLine)
	}
}

// draw writes the line of the bar anew.
func (p *progress) draw() {
	if p.width == 0 || p.left == 0 {
		return
	}
	line := bar(p.all-p.left, p.all)
	for _, c := range p.coming {
		line += fmt.Sprintf("  %s %s", c.name, amount(c))
	}
	if len(line) >= p.width {
		line = line[:p.width-1]
	}
	io.WriteString(p.w, clearLine+line)
}

// bar draws how many of all are done: "[#####-----] 8/16".
func bar(done, all int) string {
	const width = 20
	full := width * done / all
	return fmt.Sprintf("[%s%s] %d/%d", strings.Repeat("#", full), strings.Repeat("-", width-full), done, all)
}

// amount says how much has come: "45 %", or "123 KiB" where nobody knows of how
// much.
func amount(c coming) string {
	if c.total > 0 {
		return fmt.Sprintf("%d %%", 100*min(c.read, c.total)/c.total)
	}
	return fmt.Sprintf("%d KiB", c.read>>10)
}
