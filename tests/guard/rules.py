"""The rules of the ground, beside those that Loom ships. Ports stand in angle brackets by their names."""

RULES = {
    "the-site": """
        id: the-site
        kind: http
        why: the site is read
        hosts: ["127.0.0.1:<site>", "localhost:<site>"]
        allow:
          - {methods: [GET, HEAD], paths: ["/open/**"]}
          - {methods: [POST], paths: ["/search/*"]}
    """,
    "anywhere": """
        id: anywhere
        kind: http
        applies_to: ["anywhere-*"]
        why: public pages are read
        hosts: ["*:<elsewhere>"]
        allow:
          - {methods: [GET], paths: ["/**"]}
    """,
    "the-database": """
        id: the-database
        kind: sockets
        why: the database is asked
        allow: {connect: ["127.0.0.1:<database>", "localhost:<database>"], listen: ["127.0.0.1:<free>"]}
    """,
    "drafts": """
        id: drafts
        kind: files
        why: drafts are written
        allow: {write: ["drafts/**", "$TMP/**"]}
    """,
    "kept": """
        id: kept
        kind: files
        why: what is kept stays, and what is private isn't read
        deny: {write: ["drafts/kept/**"], read: ["private/**"]}
    """,
    "programs": """
        id: programs
        kind: process
        why: the history is read
        allow:
          programs:
            - {program: git, arguments: [[log, status], "**"], never: ["--output*"]}
            - {program: sleep}
            - {program: cat}
            - {program: "true"}
        deny: {modules: [telnetlib]}
    """,
    "one-secret": """
        id: one-secret
        kind: secrets
        why: each reads its own
        applies_to: [the-one-that-may]
        allow: [FOREIGN_SECRET]
    """,
    "no-secret": """
        id: no-secret
        kind: secrets
        why: nobody needs it
        deny: ["DENIED_*"]
    """,
    "little": """
        id: little
        kind: limits
        applies_to: ["limit-*"]
        why: a little is enough
        requests: 3
        bytes_out: 2kB
        bytes_in: 20kB
        findings: 3
        output_bytes: 5kB
    """,
}
