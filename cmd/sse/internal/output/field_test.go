package output

import "testing"

func TestFindFindsValue(t *testing.T) {
	t.Parallel()
	const data = `{"choices":[{"delta":{"content":"Hi \u00e9","a.b":"dotted"}},{"n":1.50}],` +
		`"o":{"x": [1, 2]},"z":null,"t":true,"e":""}`
	for _, test := range []struct {
		data, path, want string
		ok               bool
	}{
		{data, "choices.0.delta.content", "Hi é", true},
		{data, `choices.0.delta.a\.b`, "dotted", true},
		{data, "choices.1.n", "1.50", true},
		{data, "o", `{"x":[1,2]}`, true},
		{data, "o.x.1", "2", true},
		{data, "t", "true", true},
		{data, "e", "", true},
		{data, "z", "", true}, // null
		{data, "choices[1].n", "1.50", true},
		{data, ".choices.1.n", "1.50", true},
		{data, ".choices[0].delta.content", "Hi é", true},
		{`[[1,[2,3]]]`, "[0][1][0]", "2", true},
		{`{"a":{"b":1}}`, ".", `{"a":{"b":1}}`, true},
		{`{"a[x]":1}`, "a[x]", "1", true},
		{data, "choices[2].n", "", false},
		{data, "choices[-1]", "", false},
		{data, "choices[]", "", false},
		{data, "none", "", false},
		{data, "choices.2", "", false},
		{data, "choices.-1", "", false},
		{data, "choices.x", "", false},
		{data, "t.x", "", false},
		{"[DONE]", "0", "", false},
		{"", "a", "", false},
		{`{"a":1} trailing`, "a", "", false},
		{"\n [7]", "0", "7", true},
	} {
		v, ok := Find(test.data, ParsePath(test.path))
		if got := text(v); ok && got != test.want || ok != test.ok {
			t.Errorf("Find(%s) = %q, %v, want %q, %v", test.path, got, ok, test.want, test.ok)
		}
	}
}
