package caddymodule

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net/http"
	"net/netip"
	"os"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"github.com/otpgate/otpgate/ruleset"
	"github.com/otpgate/otpgate/ruleset/human"
	"github.com/otpgate/otpgate/ruleset/ledger"
	"github.com/otpgate/otpgate/ruleset/network"
	"github.com/otpgate/otpgate/ruleset/request"
)

func explainCommand() *cobra.Command {
	cmd := newCommand("explain [--json] [--phone <number>] [--ip <address>] [--email <address>] [--device <id>] [--proof pass|fail|none] [--shape <name>] [--handle <text>] [--session <text>] [--request <file>] [--country-db <path>] [--asn-db <path>] [--database <path>] <file>",
		"Judges one request and shows the answer of every check", `
Judges one request by a ruleset, and shows the answer and the cost of every
check, also of those that come after a refusal. The ledger is empty, and
nothing is asked over the network.

The request is made of the flags, in the shape that the ruleset asks for; or
it is read from a file with a request line, headers, an empty line and a body.`, runExplain)
	flags := cmd.Flags()
	flags.String("phone", "", "Phone number, as a client would send it")
	flags.String("ip", "", "Address of the client")
	flags.String("email", "", "Mail address")
	flags.String("device", "", "Device id")
	flags.String("proof", "pass", "How the proof fares: pass, fail or none")
	flags.String("shape", "", "Shape of the request, where the ruleset knows several; the first where it is left out")
	flags.String("handle", "", "What an earlier answer gave out, where the shape has a place for it")
	flags.String("session", "", "Credential of the session, where the shape has a place for it")
	flags.String("request", "", "File with a whole HTTP request")
	flags.Bool("json", false, "Print for machines")
	addAllDatabaseFlags(cmd)
	return cmd
}

func runExplain(cmd *cobra.Command, args []string) error {
	if len(args) != 1 {
		return usagef("want one ruleset file")
	}
	flag := func(name string) string { value, _ := cmd.Flags().GetString(name); return value }
	addr, err := addressOf(flag("ip"))
	if err != nil {
		return err
	}
	prover, token, err := proverOf(flag("proof"))
	if err != nil {
		return err
	}
	rules, err := loadFor(cmd, args[0])
	if err != nil {
		return err
	}
	var r *http.Request
	if path := flag("request"); path != "" {
		r, err = readRequest(path)
	} else {
		sample := ruleset.Sample{Shape: flag("shape"), Handle: flag("handle"), Session: flag("session")}
		r, err = writeRequest(rules, sample, flag("phone"), flag("email"), flag("device"), token)
	}
	if err != nil {
		return err
	}
	for _, need := range rules.Needs() {
		if flagName := strings.ReplaceAll(need, "_", "-"); cmd.Flags().Lookup(flagName) != nil && flag(flagName) == "" {
			fmt.Fprintf(cmd.ErrOrStderr(), "without --%s, what it would tell of the address is not known\n", flagName)
		}
	}
	l := ledger.NewEmbedded()
	if _, err := l.Prepare(rules.Tallies()); err != nil {
		return fmt.Errorf("preparing the ledger: %w", err)
	}
	keys := ruleset.NewKeys([]byte("explanations are forgotten at once"))
	request.Strip(r.Header)
	e := explained{ruleset.NewGate(rules, prover, l, keys).Explain(r, addr, time.Now())}
	if asJSON, _ := cmd.Flags().GetBool("json"); asJSON {
		return printJSON(cmd.OutOrStdout(), e.forMachines())
	}
	return e.print(cmd.OutOrStdout())
}

func addressOf(text string) (netip.Addr, error) {
	if text == "" {
		return netip.Addr{}, usagef("want --ip: the address of the client")
	}
	addr, err := network.ParseAddr(text)
	if err != nil {
		return addr, usagef("--ip: %v", err)
	}
	return addr, nil
}

// proverOf returns a prover for whom every proof fares as told, and the token
// to bring.
func proverOf(fares string) (human.Verifier, string, error) {
	result := human.Result{Status: human.Passed}
	token := "a-token-that-fares-as-told"
	switch fares {
	case "pass":
	case "fail":
		result = human.Result{Status: human.Failed, Codes: []string{human.CodeInvalidResponse}}
	case "none":
		token = ""
	default:
		return nil, "", usagef("--proof %q: want pass, fail or none", fares)
	}
	return human.VerifierFunc(func(context.Context, human.Proof) human.Result { return result }), token, nil
}

// readRequest reads a request as it goes over the wire.
func readRequest(path string) (*http.Request, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("reading request: %w", err)
	}
	defer f.Close()
	text, err := io.ReadAll(f)
	if err != nil {
		return nil, fmt.Errorf("reading request: %w", err)
	}
	r, err := http.ReadRequest(bufio.NewReader(strings.NewReader(string(text))))
	if err != nil {
		return nil, fmt.Errorf("reading request %s: %w", path, err)
	}
	return r, nil
}

// explained prints an explanation.
type explained struct{ *ruleset.Explanation }

func (e explained) print(w io.Writer) error {
	v := &e.Verdict
	fmt.Fprintf(w, "%s\n\n", e.about())
	table := tabwriter.NewWriter(w, 2, 0, 2, ' ', 0)
	for _, s := range e.Steps {
		answer := s.Answer
		if s.Shadow {
			answer += " (shadow)"
		}
		fmt.Fprintf(table, "  %s\t%s\t%s\t%v", s.Check, answer, s.Rule, s.Cost.Round(100*time.Nanosecond))
		if why := joined(string(s.Code), s.Detail); why != "" {
			fmt.Fprintf(table, "\t%s", why)
		}
		fmt.Fprintln(table)
	}
	if err := table.Flush(); err != nil {
		return err
	}
	fmt.Fprintf(w, "\n%s", strings.ToUpper(v.Action.String()))
	if v.Action != ruleset.Allow {
		fmt.Fprintf(w, " %d %s", v.Status, v.Code)
		if v.Reason != v.Code {
			fmt.Fprintf(w, " (in truth %s)", v.Reason)
		}
		fmt.Fprintf(w, ", by %s", joined(string(v.Check), v.Rule))
	}
	fmt.Fprintln(w)
	for _, m := range v.Flags {
		fmt.Fprintf(w, "flagged: %s\n", markName(m))
	}
	for _, m := range v.Shadow {
		fmt.Fprintf(w, "in shadow: %s\n", markName(m))
	}
	if v.Detail != "" {
		fmt.Fprintf(w, "detail: %s\n", v.Detail)
	}
	if v.Err != nil {
		fmt.Fprintf(w, "error: %v\n", v.Err)
	}
	return nil
}

// about says what is known of the request, on one line.
func (e explained) about() string {
	f := &e.Facts
	number := "no number"
	if !f.Phone.IsZero() {
		number = strings.TrimSpace(fmt.Sprintf("%s %s %s", f.Phone, f.Phone.Region(), f.Phone.Type()))
	}
	address := f.IP.Addr.String()
	if f.IP.Country != "" {
		address += " " + f.IP.Country
	}
	if f.IP.ASN != 0 {
		address += fmt.Sprintf(" AS%d", f.IP.ASN)
	}
	if f.IP.Org != "" {
		address += " " + f.IP.Org
	}
	return number + ", asked for from " + address
}

// forMachines is the explanation with stable names.
func (e explained) forMachines() any {
	f, v := &e.Facts, &e.Verdict
	type object = map[string]any
	out := object{
		"facts": object{
			"phone": f.Phone.String(), "phone_country": f.Phone.Region(), "phone_type": f.Phone.Type().String(),
			"ip": f.IP.Addr.String(), "ip_country": f.IP.Country, "ip_asn": f.IP.ASN,
		},
		"verdict": object{
			"action": v.Action.String(), "check": v.Check, "rule": v.Rule, "reason": v.Reason, "code": v.Code,
			"status": v.Status, "detail": v.Detail, "proof": v.Proof, "flags": v.Flags, "shadow": v.Shadow,
		},
		"steps": e.Steps,
	}
	if v.Err != nil {
		out["error"] = v.Err.Error()
	}
	return out
}

func joined(a, b string) string {
	if a == "" || b == "" {
		return a + b
	}
	return a + ": " + b
}

// writeRequest makes a request with each value where rules look for it. A proof
// that they do not look for is left out.
func writeRequest(rules *ruleset.Ruleset, sample ruleset.Sample, phone, email, device, proof string) (*http.Request, error) {
	sample.Values = request.Values{
		Phone: phone, HasPhone: phone != "",
		Email: email, HasEmail: email != "",
		Device: device, HasDevice: device != "",
		Proof: proof, HasProof: proof != "" && rules.ReadsProof(sample.Shape),
	}
	r, err := rules.Write("http://localhost", sample)
	if err != nil {
		return nil, usageError{err}
	}
	return r, nil
}
