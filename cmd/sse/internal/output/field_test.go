package output

import "testing"

func TestLookupFindsValue(t *testing.T) {
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
		{data, "z", "", false},
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
		got, ok := lookup(test.data, ParsePath(test.path))
		if got != test.want || ok != test.ok {
			t.Errorf("lookup(%s) = %q, %v, want %q, %v", test.path, got, ok, test.want, test.ok)
		}
	}
}
