/** Which secrets must be there before anything begins, and without which a dry run leaves its gap instead. */
import { expect } from 'chai';
import { planKinds } from '../../../shared/ledger/kinds/registry.ts';
import { parseKeyturnYaml } from '../../../shared/release/keyturn-yaml.ts';
import { dryRunSecrets, secretsToHave } from '../../../shared/release/secrets-to-have.ts';

const PLAN = `
name: app
install: { root: /opt/apps }
secrets: [ro, rw, token, odd, loose]
entrypoints:
  try: { argv: [python3, -m, app], secrets: [ro, odd] }
  live: { argv: [python3, -m, app, live], live: true, secrets: [rw] }
invariants:
  counts: { sql: { dsn: ro, queries: { rows: select 1 } } }
gates:
  G5:
    - exec: { id: unit, argv: [python3, -m, unittest], secrets: [token] }
  G6:
    - dryrun: { id: dry, entrypoint: try, invariants: [counts] }
`;

const planOf = (text: string) => parseKeyturnYaml(text, { version: '1', kinds: planKinds });

describe('shared/release/secrets-to-have', () => {
  it('asks for those of checks that run at once, of live entrypoints, and of nobody in particular', () => {
    expect(secretsToHave(planOf(PLAN))).to.deep.equal(['rw', 'token', 'loose']);
  });

  it('asks for one that something else needs as well', () => {
    const also = PLAN.replace('secrets: [token]', 'secrets: [token, ro]').replace(
      'secrets: [rw]',
      'secrets: [rw, odd]',
    );
    expect(secretsToHave(planOf(also))).to.deep.equal(['ro', 'rw', 'token', 'odd', 'loose']);
  });

  it('asks for the data source of a check that only counts', () => {
    const counted = `${PLAN}    - sql: { id: rows, dsn: ro, queries: { rows: select 1 } }\n`;
    expect(secretsToHave(planOf(counted))).to.include('ro');
  });

  it('knows what a dry run needs', () => {
    const plan = planOf(PLAN);
    const params = plan.gates.flatMap(({ checks }) => checks).find(({ kind }) => kind === 'dryrun')?.params ?? {};
    expect(dryRunSecrets(plan, params)).to.deep.equal(['ro', 'odd']);
  });
});
