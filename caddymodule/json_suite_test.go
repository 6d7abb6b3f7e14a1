package caddymodule

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// dataFolder is where real material to test with is; "" if it is not there.
func dataFolder(t *testing.T, name string) string {
	t.Helper()
	root := os.Getenv("OTPGATE_DATA")
	if root == "" {
		root = filepath.Join("..", "..", "shared", "data")
	}
	folder := filepath.Join(root, name)
	if _, err := os.Stat(folder); err != nil {
		t.Logf("%s is not there: set OTPGATE_DATA to the folder that has it", name)
		return ""
	}
	return folder
}

// No malformed JSON reaches the app; well-formed JSON does byte for byte, or is
// refused.
func TestJSONTestSuite(t *testing.T) {
	folder := dataFolder(t, filepath.Join("json-test-suite", "test_parsing"))
	if folder == "" {
		return
	}
	files, err := filepath.Glob(filepath.Join(folder, "*.json"))
	if err != nil || len(files) < 300 {
		t.Fatalf("%d files: %v", len(files), err)
	}
	behind := answering(202)
	p := open(t, noProof+"limits: []\nrespond: {cooldown: hide}", behind)
	inside := func(text string) string { return `{"phone":"` + alice + `","x":` + text + `}` }
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		name := filepath.Base(file)
		for _, body := range []string{string(text), inside(string(text))} {
			before := behind.sent.Load()
			got := p.post(body)
			passed := behind.sent.Load() > before
			switch {
			case strings.HasPrefix(name, "n_") && (passed || got.StatusCode != 400):
				t.Errorf("%s: %s", name, got)
			case !strings.HasPrefix(name, "n_") && got.StatusCode != 202 && got.StatusCode != 400 && got.StatusCode != 422:
				t.Errorf("%s: %s", name, got)
			}
			if passed {
				if _, seen := behind.last(); seen != body {
					t.Errorf("%s: the app got another body", name)
				}
			}
		}
	}
}
