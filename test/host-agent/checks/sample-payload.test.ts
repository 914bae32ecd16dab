/** The plan of the sample payload, each check for real on its installed tree: what a report about it will rest on. */
import { readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect } from 'chai';
import type { EvidenceResult } from '../../../shared/ledger/evidence.ts';
import { planKinds } from '../../../shared/ledger/kinds/registry.ts';
import { parseKeyturnYaml } from '../../../shared/release/keyturn-yaml.ts';
import type { Plan } from '../../../shared/release/plan.ts';
import { type Answer, CheckWorld } from './check-world.ts';

const PAYLOAD = fileURLToPath(new URL('../../payloads/iu-cutter', import.meta.url));

/** v0.6 is laid over the first state. */
const files = { ...filesBelow(join(PAYLOAD, 'v0.4.0-dryrun-skeleton')), ...filesBelow(join(PAYLOAD, 'v0.6')) };
const plan = parseKeyturnYaml(files['keyturn.yaml'] ?? '', { version: 'v0.6', kinds: planKinds });

describe('the plan of the sample payload', function () {
  this.timeout(120_000);
  const answers = new Map<string, Answer>();

  before(async () => {
    await using world = new CheckWorld({
      files,
      entrypoints: plan.entrypoints,
      secrets: { governance_ro: undefined, governance_rw: 'sqlite:////nowhere' },
    });
    for (const check of checksOf(plan)) answers.set(check.id, await world.ask(check));
  });

  it('has ten checks over eighty files', () => {
    expect(answers.size).to.equal(10);
    expect(Object.keys(files)).to.have.length(80);
  });

  it('passes in everything but the dry run, which is a gap', () => {
    const statuses = [...answers].map(([id, { status }]) => `${id} ${status}`);
    expect(statuses, told(answers)).to.deep.equal([
      'compile PASS',
      'import PASS',
      'unit PASS',
      'switch-off PASS',
      'refuses-live PASS',
      'nothing-runs PASS',
      'no-service PASS',
      'dryrun-path PASS',
      'dryrun-resolves PASS',
      'live-dryrun PARTIAL',
    ]);
  });

  it('counts 366 of 366 tests', () => {
    const { tests } = observationOf(answers.get('unit')) as { tests: object };
    expect(tests).to.deep.equal({ runner: 'unittest', ran: 366, passed: 366, failed: 0, errors: 0, skipped: 0 });
  });

  it('sees the switch off in line 36', () => {
    const { declarations } = observationOf(answers.get('switch-off')) as { declarations: object[] };
    expect(declarations).to.deep.equal([{ value: 'False', line: 36 }]);
  });

  it('sees the live entrypoint refuse with 77', () => {
    const { process } = observationOf(answers.get('refuses-live')) as { process: { ended: object } };
    expect(process.ended).to.deep.equal({ by: 'exit', code: 77 });
  });

  it('finds that entrypoint inspect does not exist', async () => {
    await using world = new CheckWorld({ files, entrypoints: plan.entrypoints });
    const answer = await world.ask({ kind: 'entrypoint', params: { entrypoint: 'inspect' } });
    expect(answer.status, answer.text).to.equal('FAIL');
    expect(answer.evidence.capsule?.lastOutput).to.include("invalid choice: 'orchestrate'");
  });
});

function checksOf({ gates }: Plan) {
  return gates.flatMap(({ checks }) =>
    checks.map(({ id, kind, params, timeoutMs }) => ({ id, kind, params, timeoutMs })),
  );
}

function observationOf(answer: Answer | undefined): unknown {
  const result: EvidenceResult | undefined = answer?.evidence.result;
  return result?.did === 'observe' ? result.observation : undefined;
}

/** What did not pass, for whoever reads a red test. */
function told(answers: ReadonlyMap<string, Answer>): string {
  return [...answers.values()]
    .filter(({ status }) => status !== 'PASS')
    .map(({ text }) => text.slice(0, 2000))
    .join('\n');
}

function filesBelow(folder: string): Record<string, string> {
  const paths = readdirSync(folder, { recursive: true, encoding: 'utf8' });
  const regular = paths.filter((path) => statSync(join(folder, path)).isFile() && !path.includes('__pycache__'));
  return Object.fromEntries(regular.map((path) => [path, readFileSync(join(folder, path), 'utf8')]));
}
