/** What people write in `keyturn.yaml` is what these kinds read, defaults and all. */
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { expect } from 'chai';
import { planKinds } from '../../../../shared/ledger/kinds/registry.ts';
import { parseKeyturnYaml } from '../../../../shared/release/keyturn-yaml.ts';

const SHORT = `
name: iu-cutter
install: { root: /opt/incomex/dot, preserve: [iu-cutter] }
secrets: [governance_ro]
entrypoints:
  dryrun:  { argv: [python3, -m, cutter_agent.cli, orchestrate, --mode, dryrun], stopGates: [SG1, SG2] }
  live:    { argv: [python3, -m, cutter_agent.cli, orchestrate, --mode, live], live: true }
invariants:
  production-counts:
    sql: { dsn: governance_ro, queries: { documents: 'select count(*) from documents' } }
gates:
  G5:
    - exec: { id: unit, argv: [python3, -m, unittest, discover], expect: { tests: { min: 366, failed: 0 } } }
    - refuses-live: { entrypoint: live }
  G6:
    - dryrun: { entrypoint: dryrun, invariants: [production-counts] }
`;

describe('the plan of a keyturn.yaml', () => {
  it('has the defaults of each kind filled in', () => {
    const [g5, g6] = parseKeyturnYaml(SHORT, { version: 'v0.6', kinds: planKinds }).gates;
    expect(g5?.checks.map(({ kind, params }) => [kind, params])).to.deep.equal([
      [
        'exec',
        {
          argv: ['python3', '-m', 'unittest', 'discover'],
          env: {},
          network: false,
          secrets: [],
          expect: { exit: 0, tests: { min: 366, failed: 0 } },
        },
      ],
      ['refuses-live', { entrypoint: 'live', exits: [77], matches: '(?i:refus)' }],
    ]);
    expect(g6?.checks.map(({ kind, timeoutMs }) => [kind, timeoutMs])).to.deep.equal([['dryrun', 3_600_000]]);
  });

  const payloads = { 'v0.4.0-dryrun-skeleton': 4, 'v0.6': 10 };
  for (const [version, count] of Object.entries(payloads)) {
    it(`of iu-cutter ${version} has ${count} checks`, () => {
      const path = fileURLToPath(new URL(`../../../payloads/iu-cutter/${version}/keyturn.yaml`, import.meta.url));
      const plan = parseKeyturnYaml(readFileSync(path, 'utf8'), { version, kinds: planKinds });
      expect(plan.gates.flatMap(({ checks }) => checks)).to.have.length(count);
    });
  }
});
