package fleet

import (
	"bufio"
	"encoding/json"
	"fmt"
	"os"
	"strings"
	"time"
)

// Judged is what the logs of gates say of their decisions.
type Judged struct {
	Refused map[string]int // by the limit that refused, or the reason if it was none
	Errors  map[string]int // by their text
	Told    []string       // what gates have to say of their ledger, and when
}

// Log adds up what the log of the gate says.
func (g *Gate) Log(sum *Judged) {
	g.t.Helper()
	file, err := os.Open(g.File("log"))
	if err != nil {
		g.t.Fatal(err)
	}
	defer file.Close()
	lines, told := bufio.NewScanner(file), 0
	for lines.Scan() {
		var line struct {
			Level, Logger, Msg, Gate, Action, Check, Rule, Reason, Error string
			TS                                                           float64
		}
		if json.Unmarshal(lines.Bytes(), &line) != nil {
			continue // half a line, of a gate that was killed
		}
		switch {
		case line.Msg != "judged":
			if strings.HasPrefix(line.Logger, "otp_gate") && !strings.HasPrefix(line.Msg, "the server of the ledger answers") && told < 20 {
				at := time.UnixMicro(int64(line.TS * 1e6)).Format("15:04:05.000")
				sum.Told = append(sum.Told, fmt.Sprintf("%s gate %s: %.100s %.60s", at, g.name, line.Msg, line.Error))
				told++
			}
			continue
		case line.Error != "":
			sum.Errors[line.Error]++
		}
		if line.Action != "allow" {
			switch {
			case line.Rule == "":
				line.Rule = line.Reason
			case line.Check == "budget":
				line.Rule = line.Gate + " " + line.Rule
			}
			sum.Refused[line.Rule]++
		}
	}
	if err := lines.Err(); err != nil {
		g.t.Fatal(err)
	}
}
