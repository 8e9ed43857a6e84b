# One pass over C files; style.sh starts it. Prints what is against the style
# and exits 1 if there was anything.
#
# Vendors are data, not code: their names stay out of all but the tests.

function bad(text) {
	print FILENAME ":" FNR ": " text
	failed = 1
}

function width(line,   i, n, c) {
	for (i = 1; i <= length(line); i++) {
		c = substr(line, i, 1)
		if (c == "\t")
			n += 8 - n % 8
		else if (c < "\200" || c >= "\300")
			n++	# bytes that continue a character have no width
	}
	return n
}

# The line without comments and without what is inside of quotes.
function code_of(line,   out, c, two) {
	out = ""
	while (line != "") {
		c = substr(line, 1, 1)
		two = substr(line, 1, 2)
		if (in_comment) {
			if (two == "*/") {
				in_comment = 0
				line = substr(line, 3)
				continue
			}
		} else if (quote != "") {
			if (c == "\\") {
				line = substr(line, 3)
				continue
			}
			if (c == quote) {
				quote = ""
				out = out c
			}
		} else if (two == "/*") {
			in_comment = 1
			line = substr(line, 3)
			continue
		} else if (two == "//") {
			bad("// comment")
			return out
		} else {
			if (c == "\"" || c == "'")
				quote = c
			out = out c
		}
		line = substr(line, 2)
	}
	quote = ""
	return out
}

# How many parameters stand between the outermost parentheses.
function parameters(text,   i, c, depth, n) {
	n = 1
	for (i = 1; i <= length(text); i++) {
		c = substr(text, i, 1)
		if (c == "(")
			depth++
		else if (c == ")" && --depth == 0)
			break
		else if (c == "," && depth == 1)
			n++
	}
	return n
}

function start_file() {
	in_comment = 0
	quote = ""
	signature = ""
	in_function = depth = lines = 0
	theirs = -9
	is_test = FILENAME ~ /(^|\/)tests\//
	# A test may spell out a long text or a whole scene in one piece.
	most_file = is_test ? 700 : 600
	most_function = is_test ? 80 : 60
	most_parameters = is_test ? 6 : 5
	files++
}

FNR == 1 { start_file() }

{
	if (++lines == most_file + 1)
		bad("file of more than " most_file " lines")
	if (width($0) > 80)
		bad("line of " width($0) " columns")
	if ($0 ~ /[ \t]$/)
		bad("space at the end of the line")
	if (!is_test && tolower($0) ~ /webex|cisco|(^|[^a-z])(zoom|teams)([^a-z]|$)/)
		bad("a vendor's name")
	if ($0 ~ /(^|[^A-Za-z])(TODO|FIXME|XXX)([^A-Za-z]|$)/)
		bad("unfinished")

	code = code_of($0)
}

code ~ /(^|[^A-Za-z0-9_])(strcpy|strcat|sprintf|vsprintf|strtok|atoi|atol|atof|gets|alloca)[ \t]*\(/ {
	bad("banned call")
}

code ~ /^[ \t]*typedef[ \t]+(struct|union)([ \t]|$)/ {
	bad("typedef of a struct")
}

$0 ~ /The signature is .*'s\./ { theirs = FNR }

# A definition: its name stands at the left edge, its { and } too.
!in_function && code ~ /^[a-z_][a-zA-Z0-9_]*\(/ {
	signature = ""
	began = FNR
}

!in_function && code ~ /^[^#]/ && began {
	signature = signature code
	if (code ~ /;[ \t]*$/)
		began = 0
}

code ~ /^\{/ && began && !in_function {
	in_function = 1
	deepest = depth = 0
	# A callback has the parameters that its library gives it.
	if (parameters(signature) > most_parameters && theirs < began - 3)
		bad("function of more than " most_parameters " parameters")
}

in_function {
	n = split(code, parts, "{") - 1
	depth += n
	if (depth > deepest)
		deepest = depth
	depth -= split(code, parts, "}") - 1
}

code ~ /^\}/ && in_function {
	functions++
	if (FNR - began + 1 > most_function)
		bad("function of " FNR - began + 1 " lines")
	if (deepest > 4)
		bad("nesting of more than 3 in a function")
	in_function = began = 0
}

END {
	if (tree && (files < 20 || functions < 50)) {
		print "style: only " files " files and " functions " functions seen"
		failed = 1
	}
	if (!failed)
		print "style: " files " files, " functions " functions"
	exit failed
}
