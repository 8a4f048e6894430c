// SPDX-License-Identifier: Apache-2.0
// gotemplate.go - write tests/unit/template_go.json anew: what Go's text/template makes of each template
//
// Usage: go run tests/tools/gotemplate.go <tests/unit/template_go.json >new
//
// A developer's tool, not run by make check. The functions beside Go's own are Docker's. A template
// that is an error has null for its output. Left out of the table: where rl is more lenient on
// purpose (cmd/template.h), and what depends on the types of Go (%T of an int64).
package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"strings"
	"text/template"
)

type Health struct {
	Status        string
	FailingStreak int
	Log           []LogE
}
type LogE struct {
	ExitCode int
	Output   string
}
type State struct {
	Status  string
	Running bool
	Pid     int
	Health  Health
}
type Mount struct {
	Type, Source, Destination string
	RW                        bool
	Options                   []string
}
type Binding struct{ HostIp, HostPort string }
type Ep struct {
	IPAddress string
	Prefix    int
	Aliases   []string
}
type NS struct {
	Ports    map[string][]Binding
	Networks map[string]Ep
}
type Sample struct {
	Id, Name, Text, EmptyS string
	Size                   int64
	Zero, Neg              int
	Cpus, Big, Whole       float64
	On, Off                bool
	Nil                    interface{}
	NilL                   []string
	NilM                   map[string]string
	Env, Empty             []string
	Nums                   []int
	Labels                 map[string]string
	EmptyM                 map[string]string
	Counts                 map[string]int
	Any                    map[string]interface{}
	State                  State
	Mounts                 []Mount
	NetworkSettings        NS
	Nested                 [][]string
}

func pad(source string, prefix, suffix int) string {
	if source == "" {
		return source
	}
	return strings.Repeat(" ", prefix) + source + strings.Repeat(" ", suffix)
}
func truncate(source string, length int) string {
	if len(source) < length {
		return source
	}
	return source[:length]
}

var funcs = template.FuncMap{
	"json":  line,
	"split": strings.Split, "join": strings.Join, "title": strings.Title,
	"lower": strings.ToLower, "upper": strings.ToUpper, "pad": pad, "truncate": truncate,
}

func sample() Sample {
	return Sample{Id: "abc", Name: "web", Text: "Grüße <b>\"x\"&'y'</b> a/b\t1\n€ end", Size: 1536, Neg: -7, Cpus: 0.5, Big: 12345678.25, Whole: 3, On: true,
		Env: []string{"A=1", "B=2", "C=x y"}, Empty: []string{}, Nums: []int{3, 1, 2},
		Labels: map[string]string{"b": "2", "a": "1", "com.x/y": "z"}, EmptyM: map[string]string{}, Counts: map[string]int{"x": 1, "y": 2},
		Any:    map[string]interface{}{"s": "t", "n": 4, "l": []interface{}{1, "b", nil}, "nil": nil},
		State:  State{"running", true, 42, Health{"healthy", 0, []LogE{{0, "ok\n"}, {1, "bad"}}}},
		Mounts: []Mount{{"bind", "/a", "/b", true, []string{"rbind", "rw"}}, {"volume", "v", "/c", false, nil}},
		NetworkSettings: NS{map[string][]Binding{"80/tcp": {{"0.0.0.0", "8080"}, {"::", "8080"}}, "53/udp": nil},
			map[string]Ep{"podman": {"10.88.0.2", 16, []string{"al"}}, "br": {"10.89.0.9", 24, nil}}},
		Nested: [][]string{{"a", "b"}, {}, {"c"}},
	}
}

func run(text string) (out string, err error) {
	defer func() {
		if r := recover(); r != nil {
			err = fmt.Errorf("panic %v", r)
		}
	}()
	t, err := template.New("").Funcs(funcs).Parse(text)
	if err != nil {
		return "", err
	}
	var b bytes.Buffer
	err = t.Execute(&b, sample())
	return b.String(), err
}

func line(v interface{}) string {
	buf := &bytes.Buffer{}
	enc := json.NewEncoder(buf)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(v); err != nil {
		panic(err)
	}
	return strings.TrimSpace(buf.String())
}

func main() {
	var table struct {
		Maps  []string            `json:"maps"`
		Cases [][]json.RawMessage `json:"cases"`
	}
	text, err := io.ReadAll(os.Stdin)
	if err == nil {
		err = json.Unmarshal(text, &table)
	}
	if err != nil {
		panic(err)
	}
	data := strings.Replace(line(sample()), `"Whole":3,`, `"Whole":3.0,`, 1)
	fmt.Printf("{\n\"data\": %s,\n\"maps\": %s,\n\"cases\": [", data, line(table.Maps))
	for i, c := range table.Cases {
		var in, out interface{}
		var s string
		if err := json.Unmarshal(c[0], &s); err != nil {
			panic(err)
		}
		in = s
		if got, err := run(s); err == nil {
			out = got
		}
		if i > 0 {
			fmt.Print(",")
		}
		fmt.Printf("\n%s", line([]interface{}{in, out}))
	}
	fmt.Print("\n]\n}\n")
}
