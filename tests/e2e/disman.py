"""DISMAN-PING-MIB as text for compilers and managers. The RFC's text is not
free, but what it says is in Debian's python3-pysnmp4-mibs as Python; so the
module is written anew from that, without its descriptions."""

import importlib.util
import pathlib

ACCESS = {"noaccess": "not-accessible", "readonly": "read-only",
          "readwrite": "read-write", "readcreate": "read-create"}
# Written out, so that nothing else has to be imported.
PLAIN = {"Integer": "INTEGER", "OctetString": "OCTET STRING", "Bits": "BITS",
         "ObjectIdentifier": "OBJECT IDENTIFIER",
         "InterfaceIndexOrZero": "Integer32 (0..2147483647)"}

IMPORTS = """IMPORTS
    MODULE-IDENTITY, OBJECT-TYPE, OBJECT-IDENTITY, NOTIFICATION-TYPE,
    Integer32, Unsigned32, Gauge32, mib-2
        FROM SNMPv2-SMI
    TEXTUAL-CONVENTION, RowStatus, StorageType, DateAndTime, TruthValue
        FROM SNMPv2-TC
    OBJECT-GROUP, NOTIFICATION-GROUP
        FROM SNMPv2-CONF
    SnmpAdminString
        FROM SNMP-FRAMEWORK-MIB
    InetAddressType, InetAddress
        FROM INET-ADDRESS-MIB;
"""


class Syntax:
    """A type: Integer().subtype(...).clone(...), or a class derived of it."""
    subtypeSpec, namedValues = [], {}

    def __init__(self, kind=None):
        self.kind = kind or type(self).__name__
        self.named, self.limits = dict(self.namedValues), list(self.subtypeSpec)

    def __call__(self, *args):
        return self

    def subtype(self, subtypeSpec=(), namedValues=None, **kw):
        self.named = namedValues or self.named
        self.limits += list(subtypeSpec)
        return self

    def clone(self, *args, **kw):
        return self

    def text(self):
        kind = PLAIN.get(self.kind, self.kind)
        if self.named:
            words = sorted(self.named.items(), key=lambda w: w[1])
            if type(self) is not Syntax:
                return kind
            return kind + " { " + ", ".join(f"{w}({n})" for w, n in words) + " }"
        for how, low, high in self.limits:
            return f"{kind} (SIZE ({low}..{high}))" if how == "size" else f"{kind} ({low}..{high})"
        return kind


class Node:
    """Something with an OID; what is set on it is kept."""

    def __init__(self, kind, oid, syntax=None):
        self.kind, self.oid, self.syntax = kind, tuple(oid), syntax
        self.set = {}

    def __getattr__(self, name):
        if not name.startswith("set"):
            raise AttributeError(name)

        def keep(*args):
            self.set[name[3:]] = args
            return self
        return keep


class Builder:
    loadTexts = False

    def importSymbols(self, module, *names):
        return tuple(self.symbol(n) for n in names)

    def symbol(self, name):
        if name in ("MibScalar", "MibTable", "MibTableRow", "MibTableColumn", "MibIdentifier",
                    "ModuleIdentity", "NotificationType", "ObjectIdentity", "ObjectGroup",
                    "NotificationGroup", "ModuleCompliance"):
            return lambda oid, syntax=None: Node(name, oid, syntax)
        if name == "NamedValues":
            return lambda *pairs: dict(pairs)
        if name == "ValueRangeConstraint":
            return lambda low, high: [("range", low, high)]
        if name == "ValueSizeConstraint":
            return lambda low, high: [("size", low, high)]
        if name == "SingleValueConstraint":
            return lambda *values: []
        if name == "Integer":
            return type("Integer", (Syntax,), {
                "__new__": lambda cls, *a: Syntax("Integer") if cls.__name__ == "Integer"
                else object.__new__(cls)})
        return lambda *a: Syntax(name)

    def exportSymbols(self, *args, **kw):
        pass


def load():
    """Name to node, and the textual conventions."""
    where = importlib.util.find_spec("pysnmp_mibs").submodule_search_locations[0]
    source = (pathlib.Path(where) / "DISMAN-PING-MIB.py").read_text()
    names = {"mibBuilder": Builder()}
    exec(compile(source, "DISMAN-PING-MIB.py", "exec"), names)
    nodes = {n: v for n, v in names.items() if isinstance(v, Node)}
    return nodes, names["OperationResponseStatus"]


def entry_type(name):
    return name[0].upper() + name[1:]


def described(name, macro, node, *lines):
    parent, last = node.parent, node.oid[-1]
    body = "".join(f"    {line}\n" for line in lines if line)
    return (f"{name} {macro}\n{body}    STATUS current\n    DESCRIPTION \"-\"\n"
            f"%s    ::= {{ {parent} {last} }}\n\n")


def object_text(name, node, nodes):
    access = ACCESS[node.set.get("MaxAccess", ("noaccess",))[0]]
    extra, before = "", ""
    if node.kind == "MibTable":
        row = next(n for n, v in nodes.items() if v.oid == node.oid + (1,))
        syntax = f"SEQUENCE OF {entry_type(row)}"
    elif node.kind == "MibTableRow":
        columns = [(n, v) for n, v in nodes.items() if v.oid[:-1] == node.oid]
        fields = ", ".join(f"{n} {v.syntax.text().split(' (')[0].split(' {')[0]}"
                           for n, v in columns)
        before = f"{entry_type(name)} ::= SEQUENCE {{ {fields} }}\n\n"
        syntax = entry_type(name)
        index = ", ".join(i[2] for i in node.set["IndexNames"])
        extra = f"    INDEX {{ {index} }}\n"
    else:
        syntax = node.syntax.text()
    return before + described(name, "OBJECT-TYPE", node, f"SYNTAX {syntax}",
                              f"MAX-ACCESS {access}") % extra


def members(node):
    return "{ " + ", ".join(sorted(n for _, n in node.set["Objects"])) + " }"


def text():
    nodes, status = load()
    by_oid = {v.oid: n for n, v in nodes.items()}
    words = ", ".join(f"{w}({n})" for w, n in
                      sorted(status.namedValues.items(), key=lambda w: w[1]))
    out = ["DISMAN-PING-MIB DEFINITIONS ::= BEGIN\n", IMPORTS,
           'pingMIB MODULE-IDENTITY\n    LAST-UPDATED "200606130000Z"\n'
           '    ORGANIZATION "-"\n    CONTACT-INFO "-"\n    DESCRIPTION "-"\n'
           '    REVISION "200606130000Z"\n    DESCRIPTION "-"\n    ::= { mib-2 80 }\n\n',
           "OperationResponseStatus ::= TEXTUAL-CONVENTION\n    STATUS current\n"
           f'    DESCRIPTION "-"\n    SYNTAX INTEGER {{ {words} }}\n\n']
    for name, node in sorted(nodes.items(), key=lambda n: n[1].oid):
        node.parent = by_oid.get(node.oid[:-1])
        if node.kind == "MibIdentifier":
            out.append(f"{name} OBJECT IDENTIFIER ::= {{ {node.parent} {node.oid[-1]} }}\n\n")
        elif node.kind == "ObjectIdentity":
            out.append(described(name, "OBJECT-IDENTITY", node) % "")
        elif node.kind == "NotificationType":
            out.append(described(name, "NOTIFICATION-TYPE", node,
                                 f"OBJECTS {members(node)}") % "")
        elif node.kind == "ObjectGroup":
            out.append(described(name, "OBJECT-GROUP", node,
                                 f"OBJECTS {members(node)}") % "")
        elif node.kind == "NotificationGroup":
            out.append(described(name, "NOTIFICATION-GROUP", node,
                                 f"NOTIFICATIONS {members(node)}") % "")
        elif node.kind.startswith("Mib"):
            out.append(object_text(name, node, nodes))
    return "".join(out) + "END\n"


if __name__ == "__main__":
    print(text())
