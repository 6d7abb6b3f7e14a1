package strict_test

import (
	"fmt"

	"github.com/otpgate/otpgate/ruleset/internal/strict"
)

func ExampleSource_Decode() {
	var file struct {
		Max strict.Value[int]             `yaml:"max" doc:"How many." min:"1"`
		In  strict.Value[strict.Duration] `yaml:"in" doc:"The window."`
		Per strict.Many[string]           `yaml:"per" doc:"What is counted for."`
	}
	src := strict.NewSource("limit.yaml", []byte("mx: 5\nin: 60\nper: [email, phone]\n"))
	fmt.Println(src.Decode(&file), file.Per.Values())
	fmt.Print(src.Problems().Render())
	// Output:
	// false [email phone]
	// limit.yaml:1:1: unknown word "mx"; did you mean "max"? accepted: max, in, per
	//   1 | mx: 5
	//     | ^
	// limit.yaml:2:5: in: want a time such as 60s, 15m, 24h or 7d, got "60"; a number needs its unit: 60s
	//   2 | in: 60
	//     |     ^
}
