import { expect } from 'chai';
import { PLAN_KINDS } from '../../../shared/ledger/kinds/registry.ts';
import { type KeyturnYamlRefused, parseKeyturnYaml } from '../../../shared/release/keyturn-yaml.ts';
import { encodePlan, type Plan, parsePlan } from '../../../shared/release/plan.ts';

const kinds = new Map(PLAN_KINDS.map((kind) => [kind.kind, kind]));
const parse = (text: string): Plan => parseKeyturnYaml(text, { version: 'v0.6', kinds });
const MINIMAL = 'name: cutter\ninstall: { root: /opt/dot }\n';

/** The sample of the design page. */
const SAMPLE = `
name: iu-cutter
version: { file: cutter_agent/__init__.py, pattern: '__version__ = "(.+)"' }
install: { root: /opt/incomex/dot, preserve: [iu-cutter] }
artifact: { forbid: ['.env*', '**/__pycache__/**', '*.pem'] }
requires: { tools: { python3: '>=3.11', pytest: { version: '>=7', optional: true } } }
secrets: [governance_ro]
entrypoints:
  inspect: { argv: [python3, -m, cutter_agent.cli, orchestrate, inspect], probe: [--help] }
  dryrun:  { argv: [python3, -m, cutter_agent.cli, orchestrate, --mode, dryrun], stopGates: [SG1, SG2] }
  live:    { argv: [python3, -m, cutter_agent.cli, orchestrate, --mode, live], live: true, network: true, writable: [/srv/out] }
invariants:
  production-counts:
    sql: { dsn: governance_ro, queries: { documents: 'select count(*) from documents' } }
gates:
  SMOKE:
    - exec: { argv: [python3, -V] }
  G6:
    - dryrun: { entrypoint: dryrun, invariants: [production-counts] }
  G5:
    - exec: { id: unit, argv: [python3, -m, unittest, discover], expect: { tests: { min: 366, failed: 0 } } }
    - refuses-live: { entrypoint: live }
    - exec: { argv: [python3, -V], timeoutMs: 5000 }
    - no-process:
`;

describe('keyturn.yaml', () => {
  describe('understood', () => {
    const plan = parse(SAMPLE);

    it('becomes a plan that reads back as itself', () => {
      expect(parsePlan(encodePlan(plan))).to.deep.equal(plan);
    });

    it('says how many checks may run at a time where the file does, and nothing where it does not', () => {
      const said = parse(`${MINIMAL}parallel: 1\n`);
      expect(said.parallel).to.equal(1);
      expect(parsePlan(encodePlan(said))).to.deep.equal(said);
      expect(parse(MINIMAL)).to.not.have.property('parallel');
      for (const wrong of ['0', '-1', '1.5', '65', 'many']) {
        expect(() => parse(`${MINIMAL}parallel: ${wrong}\n`), wrong).to.throw(/parallel/);
      }
    });

    it('fills in every default', () => {
      const smallest = parse(MINIMAL);
      expect(smallest).to.deep.equal({
        schema: 'keyturn.plan/v1',
        app: 'cutter',
        version: 'v0.6',
        install: { root: '/opt/dot', preserve: [] },
        artifact: { forbid: [] },
        requires: { tools: {} },
        secrets: [],
        entrypoints: {},
        invariants: {},
        gates: [],
      });
    });

    it('puts G5 and G6 in front of the gates of the project', () => {
      expect(plan.gates.map(({ gate }) => gate)).to.deep.equal(['G5', 'G6', 'SMOKE']);
    });

    it('names a check by its kind, and counts where the kind repeats', () => {
      const ids = plan.gates.flatMap(({ checks }) => checks.map(({ id }) => id));
      expect(ids).to.deep.equal(['unit', 'refuses-live', 'exec', 'no-process', 'dryrun', 'exec-2']);
    });

    it('gives a check the time of its kind unless it says another', () => {
      const [unit, , version] = plan.gates[0]?.checks ?? [];
      expect([unit?.timeoutMs, version?.timeoutMs]).to.deep.equal([kinds.get('exec')?.timeoutMs, 5000]);
    });

    it('takes the tests of G1 from the first check of G5 that counts tests', () => {
      const argv = ['python3', '-m', 'unittest', 'discover'];
      expect(plan.tests).to.deep.equal({ argv, min: 366, failed: 0, timeoutMs: 600_000 });
    });

    it('prefers tests of its own for G1', () => {
      const own = parse(`${SAMPLE}\ntests: { argv: [make, check], expect: { tests: { min: 2 } }, timeoutMs: 1000 }\n`);
      expect(own.tests).to.deep.equal({ argv: ['make', 'check'], min: 2, failed: 0, timeoutMs: 1000 });
    });

    it('reads a tool as a range or as a map', () => {
      expect(plan.requires.tools).to.deep.equal({
        python3: { version: '>=3.11', optional: false, argv: ['--version'] },
        pytest: { version: '>=7', optional: true, argv: ['--version'] },
      });
    });

    it('marks an entrypoint as live only where it says so', () => {
      expect([plan.entrypoints.dryrun?.live, plan.entrypoints.live?.live]).to.deep.equal([false, true]);
    });

    it('keeps schemas and digests of an invariant where it has them, and adds none where not', () => {
      const invariant = (more: string) =>
        parse(`${MINIMAL}secrets: [s]\ninvariants: { i: { sql: { dsn: s, queries: { q: select 1 }${more} } } }`)
          .invariants.i;
      const plain = { dsn: 's', queries: { q: 'select 1' } };
      expect(invariant('')).to.deep.equal({ sql: plain });
      const both = { schemas: ['public', 'Archive'], digests: { d: 'select 2' } };
      expect(invariant(`, schemas: [public, Archive], digests: { d: select 2 }`)).to.deep.equal({
        sql: { ...plain, ...both },
      });
    });

    it('takes a few aliases for what they stand for', () => {
      const aliased = parse(`${MINIMAL}secrets: &s [a, b]\ngates: { G5: [ { exec: { argv: [x], secrets: *s } } ] }\n`);
      expect(aliased.gates[0]?.checks[0]?.params.secrets).to.deep.equal(['a', 'b']);
    });
  });

  describe('refused', () => {
    const problems: readonly { name: string; text: string; says: string }[] = [
      {
        name: 'an unknown key',
        text: `${MINIMAL}nam: x`,
        says: 'nam: got an unknown key, expected a known key; did you mean "name"?',
      },
      {
        name: 'an unknown key deep inside',
        text: 'name: a\ninstall: { root: /opt, preserv: [b] }',
        says: 'install.preserv: got an unknown key, expected a known key; did you mean "preserve"?',
      },
      {
        name: 'an unknown key like no other',
        text: `${MINIMAL}zebra: 1`,
        says: 'zebra: got an unknown key, expected one of name, version, install',
      },
      { name: 'a missing key', text: 'name: a', says: 'install: expected a map' },
      {
        name: 'a name in capitals',
        text: 'name: Cutter\ninstall: { root: /opt }',
        says: 'name: got "Cutter", expected lower-case letters',
      },
      {
        name: 'a relative install root',
        text: 'name: a\ninstall: { root: opt }',
        says: 'install.root: got "opt", expected an absolute path',
      },
      {
        name: 'an install root with ..',
        text: 'name: a\ninstall: { root: /opt/../etc }',
        says: 'install.root: got "/opt/../etc", expected no "." or ".."',
      },
      {
        name: 'a preserved path instead of a name',
        text: 'name: a\ninstall: { root: /opt, preserve: [../etc] }',
        says: 'install.preserve[0]: got "../etc", expected the name of a folder',
      },
      {
        name: 'its own installation as a neighbour',
        text: 'name: a\ninstall: { root: /opt, preserve: [a-v0.6] }',
        says: 'install.preserve: got "a-v0.6", expected another folder',
      },
      {
        name: 'a shell string as a command',
        text: `${MINIMAL}tests: { argv: python3 -m unittest }`,
        says: 'tests.argv: got "python3 -m unittest", expected a list, not a shell string: write [python3, -m, unittest]',
      },
      {
        name: 'a shell string in a check',
        text: `${MINIMAL}gates: { G5: [ { exec: { argv: make test } } ] }`,
        says: 'gates.G5[0].exec.argv: got "make test", expected a list, not a shell string: write [make, test]',
      },
      {
        name: 'a number as an argument',
        text: `${MINIMAL}tests: { argv: [sleep, 5] }`,
        says: 'tests.argv[1]: got 5, expected text (quote it',
      },
      {
        name: 'a version range that YAML takes for a number',
        text: `${MINIMAL}requires: { tools: { python3: 3.11 } }`,
        says: 'requires.tools.python3: got 3.11, expected text (quote it',
      },
      {
        name: 'an unknown key of a tool',
        text: `${MINIMAL}requires: { tools: { a: { vers: '1' } } }`,
        says: 'requires.tools.a.vers: got an unknown key',
      },
      {
        name: 'a truth that is a word',
        text: `${MINIMAL}entrypoints: { a: { argv: [x], live: yes } }`,
        says: 'entrypoints.a.live: got "yes", expected true or false',
      },
      {
        name: 'an unknown kind of check',
        text: `${MINIMAL}gates: { G5: [ { exce: { argv: [x] } } ] }`,
        says: 'gates.G5[0]: got "exce", expected one of absent, anchor',
      },
      {
        name: 'two kinds in one check',
        text: `${MINIMAL}gates: { G5: [ { exec: { argv: [x] }, file: {} } ] }`,
        says: 'gates.G5[0]: got {"exec":{"argv":["x"]},"file":{}}, expected one check kind',
      },
      {
        name: 'an unknown parameter of a kind',
        text: `${MINIMAL}gates: { G5: [ { exec: { argv: [x], expct: {} } } ] }`,
        says: 'gates.G5[0].exec.expct: got an unknown key, expected a known key; did you mean "expect"?',
      },
      {
        name: 'a gate that is not its own',
        text: `${MINIMAL}gates: { G3: [ { exec: { argv: [x] } } ] }`,
        says: 'gates.G3: got "G3", expected',
      },
      {
        name: 'two checks of one id',
        text: `${MINIMAL}gates: { G5: [ { exec: { id: a, argv: [x] } }, { exec: { id: a, argv: [y] } } ] }`,
        says: 'gates.G5[1].exec.id: got "a", expected an id that no other check has',
      },
      {
        name: "an id of Keyturn's own shape",
        text: `${MINIMAL}gates: { G5: [ { exec: { id: g3.tools, argv: [x] } } ] }`,
        says: 'gates.G5[0].exec.id: got "g3.tools", expected',
      },
      {
        name: 'no time at all',
        text: `${MINIMAL}gates: { G5: [ { exec: { argv: [x], timeoutMs: 0 } } ] }`,
        says: 'gates.G5[0].exec.timeoutMs: got 0, expected',
      },
      {
        name: 'an undeclared entrypoint',
        text: `${MINIMAL}entrypoints: { live: { argv: [x] } }\ngates: { G5: [ { entrypoint: { entrypoint: liev } } ] }`,
        says: 'gates.G5.entrypoint.entrypoint: got "liev", expected a declared entrypoint (live); did you mean "live"?',
      },
      {
        name: 'refusing asked of what is not live',
        text: `${MINIMAL}entrypoints: { a: { argv: [x] } }\ngates: { G5: [ { refuses-live: { entrypoint: a } } ] }`,
        says: 'expected an entrypoint that is marked live: true',
      },
      {
        name: 'a dry run of what is live',
        text: `${MINIMAL}secrets: [s]\ninvariants: { i: { sql: { dsn: s, queries: { q: select 1 } } } }\nentrypoints: { a: { argv: [x], live: true } }\ngates: { G6: [ { dryrun: { entrypoint: a, invariants: [i] } } ] }`,
        says: 'expected an entrypoint that is not marked live: true',
      },
      {
        name: 'an undeclared invariant',
        text: `${MINIMAL}entrypoints: { a: { argv: [x] } }\ngates: { G6: [ { dryrun: { entrypoint: a, invariants: [i] } } ] }`,
        says: 'got "i", expected a declared invariant (none is declared)',
      },
      {
        name: 'an undeclared secret',
        text: `${MINIMAL}invariants: { i: { sql: { dsn: s, queries: { q: select 1 } } } }`,
        says: 'invariants.i.sql.dsn: got "s", expected a declared secret (none is declared)',
      },
      {
        name: 'an invariant over no schema',
        text: `${MINIMAL}secrets: [s]\ninvariants: { i: { sql: { dsn: s, schemas: [], queries: { q: select 1 } } } }`,
        says: 'invariants.i.sql.schemas: got',
      },
      {
        name: 'a version pattern without a group',
        text: `${MINIMAL}version: { file: a.py, pattern: '__version__' }`,
        says: 'version.pattern: got "__version__", expected a regular expression with a group',
      },
      {
        name: 'a version pattern that is none',
        text: `${MINIMAL}version: { file: a.py, pattern: '(' }`,
        says: 'version.pattern: got "(", expected a regular expression',
      },
      {
        name: 'a version file outside',
        text: `${MINIMAL}version: { file: ../a.py, pattern: '(.)' }`,
        says: 'version.file: got "../a.py", expected a path inside the repository',
      },
      { name: 'a key called __proto__', text: `${MINIMAL}__proto__: { a: 1 }`, says: '__proto__' },
      { name: 'a list instead of a map', text: '- a\n', says: 'keyturn.yaml: got ["a"], expected a map' },
    ];

    for (const { name, text, says } of problems) {
      it(`refuses ${name}, and says where and what was expected`, () => {
        const refusal = refusalOf(text);
        expect(refusal).to.include({ code: 'keyturn-yaml-malformed' });
        expect(refusal?.message).to.include(says);
      });
    }

    it('has more than thirty rows', () => expect(problems.length).to.be.greaterThan(30));

    it('lists all problems of a file at once, those of the checks too', () => {
      const text = 'name: A\ninstall: { root: opt }\nseecrets: []\ngates: { G5: [ { exec: {} }, { fiel: {} } ] }';
      const refusal = refusalOf(text) as KeyturnYamlRefused;
      expect(refusal.problems.map(({ path }) => path)).to.deep.equal([
        'name',
        'install.root',
        'seecrets',
        'gates.G5[0].exec.argv',
        'gates.G5[1]',
      ]);
    });
  });
});

function refusalOf(text: string): Error | undefined {
  try {
    parse(text);
    return undefined;
  } catch (error) {
    return error as Error;
  }
}
