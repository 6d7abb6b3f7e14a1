package fleet

import (
	"bufio"
	"encoding/json"
	"os"
)

// Judged is what the logs of gates say of their decisions.
type Judged struct {
	Refused map[string]int // by the limit that refused, or the reason if it was none
	Errors  map[string]int // by their text
	Told    []string       // warnings and errors beside the decisions
}

// Log adds up what the log of the gate says.
func (g *Gate) Log(sum *Judged) {
	g.t.Helper()
	file, err := os.Open(g.file("log"))
	if err != nil {
		g.t.Fatal(err)
	}
	defer file.Close()
	lines := bufio.NewScanner(file)
	for lines.Scan() {
		var line struct{ Level, Msg, Action, Rule, Reason, Error string }
		if json.Unmarshal(lines.Bytes(), &line) != nil {
			continue // half a line, of a gate that was killed
		}
		switch {
		case line.Msg != "judged":
			if line.Level != "info" && len(sum.Told) < 100 {
				sum.Told = append(sum.Told, lines.Text())
			}
			continue
		case line.Error != "":
			sum.Errors[line.Error]++
		}
		if line.Action != "allow" {
			if line.Rule == "" {
				line.Rule = line.Reason
			}
			sum.Refused[line.Rule]++
		}
	}
	if err := lines.Err(); err != nil {
		g.t.Fatal(err)
	}
}
