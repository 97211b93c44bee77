// Renders Helm templates for test_template.py: Go's text/template with Sprig, and what Helm adds.
//
//	render < requests.json > answers.json
//
// A request is {"text": ..., "seed": n, "templates": {name: body}}, an answer {"text": ...} or
// {"error": ...}; both are lists in the same order.
//
// Nobody has the values of the templates of other people's charts, so they are made up: each place
// that a template asks for (.Values.a.b, $x.y) gets a value that fits how it is used, full or empty
// as the seed says. Seed 0 fills everything, seed 1 nothing, others some. Named templates that the
// chart defines elsewhere print what the request says, else what it says for "".
package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"hash/fnv"
	"os"
	"strings"
	"text/template"
	"text/template/parse"

	"github.com/Masterminds/sprig"
	yaml "gopkg.in/yaml.v2"
)

type request struct {
	Text      string            `json:"text"`
	Seed      int               `json:"seed"`
	Templates map[string]string `json:"templates"`
}

type answer struct {
	Text  string `json:"text"`
	Error string `json:"error,omitempty"`
}

type object = map[string]interface{}

// ---- values ----

// What a place is used as. The last one wins over those before.
const (
	asText = "text"
	asFlag = "flag" // a text that a condition asks for: it may be empty
	asBool = "bool"
	asList = "list"
	asMap  = "map"
)

var strength = map[string]int{"": 0, asText: 1, asFlag: 2, asBool: 3, asList: 4, asMap: 5}

type values struct {
	seed int
	used map[string]string // place -> what it was used as in the first pass
	root object
}

func (v *values) full(place string) bool {
	if v.seed < 2 {
		return v.seed == 0
	}
	h := fnv.New32a()
	fmt.Fprintf(h, "%d %s", v.seed, place)
	return h.Sum32()>>7&1 == 0
}

func (v *values) make(place, as, literal string) interface{} {
	full := v.full(place)
	switch {
	case as == asMap && full:
		return object{"k": "v"}
	case as == asMap:
		return object{}
	case as == asList && full:
		return []interface{}{object{"name": "n1"}, object{"name": "n2"}}
	case as == asList:
		return []interface{}{}
	case as == asBool:
		return full
	case literal != "" && full:
		return literal
	case full || as == asText:
		return "s" + strings.ToLower(place[strings.LastIndex(place, ".")+1:])
	}
	return ""
}

// pick is `base.name.name`.
func (v *values) pick(as, literal string, base interface{}, names ...string) interface{} {
	place := strings.Join(names, ".")
	for i, name := range names {
		m, ok := base.(object)
		if !ok {
			return v.make(place, as, literal)
		}
		last := i == len(names)-1
		here := strings.Join(names[:i+1], ".")
		if !last {
			v.used[here] = asMap
		} else if strength[as] > strength[v.used[here]] {
			v.used[here] = as
		}
		if _, ok = m[name]; !ok {
			if last {
				m[name] = v.make(here, v.used[here], literal)
			} else {
				m[name] = object{}
			}
		}
		base = m[name]
	}
	return base
}

// ---- rewriting: `.a.b` becomes `(pick AS LITERAL . "a" "b")` ----

type rewriter struct{ tree *parse.Tree }

func text(s string) parse.Node {
	return &parse.StringNode{NodeType: parse.NodeString, Quoted: fmt.Sprintf("%q", s), Text: s}
}

func (r *rewriter) call(as, literal string, base parse.Node, names []string) *parse.CommandNode {
	args := []parse.Node{parse.NewIdentifier("pick").SetTree(r.tree), text(as), text(literal), base}
	for _, name := range names {
		args = append(args, text(name))
	}
	return &parse.CommandNode{NodeType: parse.NodeCommand, Args: args}
}

// The call that takes the place of an argument, or nil.
func (r *rewriter) pick(arg parse.Node, as, literal string) *parse.CommandNode {
	switch n := arg.(type) {
	case *parse.FieldNode:
		return r.call(as, literal, &parse.DotNode{NodeType: parse.NodeDot}, n.Ident)
	case *parse.VariableNode:
		if len(n.Ident) > 1 && n.Ident[1] != "Template" {
			base := &parse.VariableNode{NodeType: parse.NodeVariable, Ident: n.Ident[:1]}
			return r.call(as, literal, base, n.Ident[1:])
		}
	case *parse.ChainNode:
		if p, ok := n.Node.(*parse.PipeNode); ok {
			r.pipe(p, asMap)
		}
		return r.call(as, literal, n.Node, n.Field)
	case *parse.PipeNode:
		r.pipe(n, as)
	}
	return nil
}

func uses(name, as string) string {
	switch name {
	case "toYaml", "omitNil", "set", "hasKey", "get", "index", "mergeOverwrite", "merge", "dig", "keys", "pluck",
		"include", "tpl":
		return asMap
	case "join", "first", "last", "has", "append":
		return asList
	case "default", "coalesce", "ternary":
		return as
	case "and", "or", "not", "empty":
		return asFlag
	}
	return asText
}

// What `eq .x LITERAL` compares with.
func compared(args []parse.Node, as string) (string, string) {
	for _, arg := range args {
		switch n := arg.(type) {
		case *parse.StringNode:
			return as, n.Text
		case *parse.BoolNode:
			return asBool, ""
		}
	}
	return as, ""
}

// `index .Values "a" "b"` is `.Values.a.b`.
func (r *rewriter) index(c *parse.CommandNode, as string) *parse.CommandNode {
	var names []string
	for _, arg := range c.Args[2:] {
		s, ok := arg.(*parse.StringNode)
		if !ok {
			return nil
		}
		names = append(names, s.Text)
	}
	base := c.Args[1]
	if p := r.pick(base, asMap, ""); p != nil {
		base = &parse.PipeNode{NodeType: parse.NodePipe, Cmds: []*parse.CommandNode{p}}
	}
	return r.call(as, "", base, names)
}

func (r *rewriter) command(c *parse.CommandNode, as string) *parse.CommandNode {
	literal := ""
	switch id := c.Args[0].(type) {
	case *parse.IdentifierNode:
		if id.Ident == "index" {
			if p := r.index(c, as); p != nil {
				return p
			}
		}
		as = uses(id.Ident, as)
		if id.Ident == "eq" || id.Ident == "ne" || id.Ident == "contains" {
			as, literal = compared(c.Args, as)
		}
	case *parse.FieldNode, *parse.VariableNode:
		if p := r.pick(id, as, ""); p != nil {
			return p // with arguments it is a method, as of .Files: its answer is made up as well
		}
	}
	for i, arg := range c.Args {
		if p := r.pick(arg, as, literal); p != nil {
			if i == 0 && len(c.Args) == 1 {
				return p
			}
			pipe := &parse.PipeNode{NodeType: parse.NodePipe, Cmds: []*parse.CommandNode{p}}
			c.Args[i] = pipe
		}
	}
	return c
}

func (r *rewriter) pipe(p *parse.PipeNode, as string) {
	if p == nil {
		return
	}
	for i := len(p.Cmds) - 1; i >= 0; i-- {
		c := p.Cmds[i]
		next := as
		if id, ok := c.Args[0].(*parse.IdentifierNode); ok {
			next = uses(id.Ident, as)
		}
		p.Cmds[i] = r.command(c, as)
		as = next
	}
}

func (r *rewriter) list(l *parse.ListNode) {
	if l == nil {
		return
	}
	for _, n := range l.Nodes {
		switch n := n.(type) {
		case *parse.ActionNode:
			r.pipe(n.Pipe, asText)
		case *parse.IfNode:
			r.branch(&n.BranchNode, asFlag)
		case *parse.WithNode:
			r.branch(&n.BranchNode, dotAs(n.List))
		case *parse.RangeNode:
			as := asList
			if len(n.Pipe.Decl) == 2 {
				as = asMap
			}
			r.branch(&n.BranchNode, as)
		case *parse.TemplateNode:
			r.pipe(n.Pipe, asMap)
		}
	}
}

// What the body of `with` uses its dot as.
func dotAs(l *parse.ListNode) string {
	for _, n := range l.Nodes {
		switch n := n.(type) {
		case *parse.RangeNode:
			if len(n.Pipe.Cmds) == 1 && n.Pipe.Cmds[0].String() == "." {
				if len(n.Pipe.Decl) == 2 {
					return asMap
				}
				return asList
			}
		case *parse.ActionNode:
			if strings.HasPrefix(n.Pipe.String(), "toYaml .") || strings.Contains(n.String(), ". | toYaml") {
				return asMap
			}
		}
	}
	return asFlag
}

func (r *rewriter) branch(b *parse.BranchNode, as string) {
	r.pipe(b.Pipe, as)
	r.list(b.List)
	r.list(b.ElseList)
}

// ---- rendering ----

func toYaml(v interface{}) string {
	data, err := yaml.Marshal(v)
	if err != nil {
		return ""
	}
	return strings.TrimSuffix(string(data), "\n")
}

func fromYaml(s string) object {
	m := object{}
	if err := yaml.Unmarshal([]byte(s), &m); err != nil {
		m["Error"] = err.Error()
	}
	return m
}

func functions(t *template.Template, v *values, r request) template.FuncMap {
	funcs := template.FuncMap(sprig.TxtFuncMap())
	funcs["toYaml"] = toYaml
	funcs["fromYaml"] = fromYaml
	funcs["pick"] = v.pick
	funcs["omitNil"] = func(v interface{}) interface{} { return v }
	funcs["required"] = func(_ string, v interface{}) interface{} { return v }
	funcs["lookup"] = func(...string) object { return object{} }
	funcs["tpl"] = func(s string, _ interface{}) string { return s }
	funcs["include"] = func(name string, data interface{}) (string, error) {
		var out bytes.Buffer
		if t.Lookup(name) == nil {
			if body, ok := r.Templates[name]; ok {
				return body, nil
			}
			return r.Templates[""], nil
		}
		err := t.ExecuteTemplate(&out, name, data)
		return out.String(), err
	}
	return funcs
}

// Templates that the text calls and does not define.
func define(t *template.Template, r request, l *parse.ListNode) {
	for _, n := range l.Nodes {
		switch n := n.(type) {
		case *parse.TemplateNode:
			if t.Lookup(n.Name) == nil {
				body, ok := r.Templates[n.Name]
				if !ok {
					body = r.Templates[""]
				}
				template.Must(t.New(n.Name).Parse(body))
			}
		case *parse.IfNode:
			branches(t, r, &n.BranchNode)
		case *parse.WithNode:
			branches(t, r, &n.BranchNode)
		case *parse.RangeNode:
			branches(t, r, &n.BranchNode)
		}
	}
}

func branches(t *template.Template, r request, b *parse.BranchNode) {
	define(t, r, b.List)
	if b.ElseList != nil {
		define(t, r, b.ElseList)
	}
}

func render(r request) (out string, err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("panic: %v", p)
		}
	}()
	v := &values{seed: r.Seed, used: map[string]string{}}
	t := template.New("x")
	t.Funcs(functions(t, v, r))
	if _, err = t.Parse(r.Text); err != nil {
		return "", err
	}
	for _, each := range t.Templates() {
		if each.Tree != nil && each.Tree.Root != nil {
			(&rewriter{each.Tree}).list(each.Tree.Root)
		}
	}
	for _, each := range t.Templates() {
		if each.Tree != nil && each.Tree.Root != nil {
			define(t, r, each.Tree.Root)
		}
	}
	// Twice: only afterwards is it known what each place is used as.
	for pass := 0; pass < 2; pass++ {
		var buf bytes.Buffer
		chart := object{"Name": "chart", "Version": "1.2.3", "AppVersion": "1.2.3"}
		release := object{"Name": "r", "Namespace": "ns", "Service": "Helm"}
		v.root = object{"Values": object{}, "Chart": chart, "Release": release, "Template": object{"BasePath": "t"}}
		err = t.Execute(&buf, v.root)
		out = buf.String()
	}
	return out, err
}

func main() {
	var requests []request
	if err := json.NewDecoder(os.Stdin).Decode(&requests); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(2)
	}
	answers := make([]answer, len(requests))
	for i, r := range requests {
		out, err := render(r)
		answers[i].Text = out
		if err != nil {
			answers[i].Error = err.Error()
		}
	}
	if err := json.NewEncoder(os.Stdout).Encode(answers); err != nil {
		os.Exit(2)
	}
}
