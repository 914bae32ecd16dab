/** Enrolment is whole or none: what is refused costs no token where that can be, and leaves a host that does not run. */
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'chai';
import { enrolHost } from '../../../host-agent/host/enrol-host.ts';
import { loadHostConfig } from '../../../host-agent/host/host-config.ts';
import { hostStatus } from '../../../host-agent/host/host-status.ts';
import { openJournal } from '../../../host-agent/journal/journal.ts';
import { loadTrusted } from '../../../host-agent/trust/metadata-store.ts';
import { TransientError } from '../../../shared/errors.ts';
import type { EnrolmentBundle } from '../../../shared/rpc/enrolment-bundle.ts';
import { ControlPlaneWorld, HOUR_MS } from '../../support/control-plane-world.ts';
import { policyBytes } from '../run/signed-world.ts';
import { TrustRoot } from '../run/trust-root.ts';

const NOW = new Date('2026-11-22T10:00:00.000Z');
const OWNERS = { installRoots: ['/opt/dot'], labels: { env: 'prod' }, rootPrefix: '' };

type Change = Partial<EnrolmentBundle>;

interface RefusalRow {
  readonly bundle?: (bundle: EnrolmentBundle) => Change;
  readonly owners?: object;
  readonly arrange?: (state: string) => void;
  readonly code: string;
  readonly isTokenSpent: boolean;
}

const REFUSALS: Record<string, RefusalRow> = {
  'a relative install root': { owners: { installRoots: ['opt'] }, code: 'agent-config-malformed', isTokenSpent: false },
  'no install root': { owners: { installRoots: [] }, code: 'agent-config-malformed', isTokenSpent: false },
  'a root of trust that is none': {
    bundle: ({ trust }) => ({ trust: { ...trust, 'root.json': Buffer.from('{}') } }),
    code: 'metadata-malformed',
    isTokenSpent: false,
  },
  'a baseline without a root': {
    bundle: ({ trust: { 'root.json': _root, ...trust } }) => ({ trust }),
    code: 'trusted-root-missing',
    isTokenSpent: false,
  },
  'a timestamp in the place of the root': {
    bundle: ({ trust }) => ({ trust: { ...trust, 'root.json': trust['timestamp.json'] as Buffer } }),
    code: 'metadata-type-mismatch',
    isTokenSpent: false,
  },
  'a state folder that another host was enrolled into': {
    arrange: (state) => writeFileSync(join(state, 'agent.json'), JSON.stringify({ ...CONFIG_OF_ANOTHER })),
    code: 'enrolled-as-another-host',
    isTokenSpent: false,
  },
  'a state folder whose configuration is damaged': {
    arrange: (state) => writeFileSync(join(state, 'agent.json'), '{'),
    code: 'agent-config-malformed',
    isTokenSpent: false,
  },
  'a state folder whose journal is damaged': {
    arrange: (state) => writeFileSync(join(state, 'journal.sqlite'), 'lost+found '.repeat(1000)),
    code: 'journal-corrupt',
    isTokenSpent: false,
  },
  'a token that was made up': { bundle: () => ({ token: 'A'.repeat(43) }), code: 'token-unknown', isTokenSpent: false },
  'the authority of another control plane': {
    bundle: () => ({ caCertificate: OTHER_CA }),
    code: 'transient',
    isTokenSpent: false,
  },
  'a control plane that is not there': {
    bundle: ({ addresses }) => ({ addresses: { ...addresses, join: '127.0.0.1:1' } }),
    code: 'transient',
    isTokenSpent: false,
  },
};

const CONFIG_OF_ANOTHER = {
  schema: 'keyturn.agent/v1',
  host: 'web-2',
  gateway: 'control.example:7402',
  ...OWNERS,
};
let OTHER_CA = '';

describe('enrolling a host', () => {
  let world: ControlPlaneWorld;
  let other: ControlPlaneWorld;
  let folder: string;
  let trust: EnrolmentBundle['trust'];
  before(async () => {
    world = await ControlPlaneWorld.start();
    other = await ControlPlaneWorld.start();
    OTHER_CA = (await tokenFor(other, 'web-1')).caCertificate;
    trust = trustOf(new TrustRoot({ now: NOW, policy: policyBytes() }));
  });
  after(async () => {
    await world.stop();
    await other.stop();
  });
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'keyturn-enrol-'));
  });
  afterEach(() => rmSync(folder, { recursive: true, force: true }));

  async function bundleFor(host: string): Promise<EnrolmentBundle> {
    const { token, caCertificate } = await tokenFor(world, host);
    const { join: joining, gateway } = world.controlPlane.addresses;
    const addresses = { join: joining, gateway };
    return { schema: 'keyturn.enrolment/v1', host, token, caCertificate, addresses, trust };
  }

  it('pins the trust, writes the configuration last, and then the host is enrolled', async () => {
    const bundle = await bundleFor('web-1');
    await enrolHost(folder, { bundle, config: OWNERS, now: NOW });
    expect(loadHostConfig(folder)).to.deep.include({ host: 'web-1', labels: { env: 'prod' } });
    const journal = openJournal(folder);
    const pinned = [...loadTrusted(journal)].map(([name, bytes]) => [name, bytes] as const);
    journal.close();
    expect(Object.fromEntries(pinned)).to.deep.equal(trust);
    expect(await hostStatus(folder)).to.deep.include({ host: 'web-1', runs: [], outbox: 0, executionGates: [] });
  });

  it('may be done again for the same host, and its keys and its journal stay', async () => {
    await enrolHost(folder, { bundle: await bundleFor('web-3'), config: OWNERS, now: NOW });
    const key = readFileSync(join(folder, 'identity', 'ledger-key.pem'));
    const journal = openJournal(folder);
    journal.exec("insert into directives (seq, bytes) values (1, x'00')");
    journal.close();
    const config = { ...OWNERS, installRoots: ['/srv/apps'] };
    await enrolHost(folder, { bundle: await bundleFor('web-3'), config, now: NOW });
    expect(readFileSync(join(folder, 'identity', 'ledger-key.pem')).equals(key)).to.equal(true);
    expect(loadHostConfig(folder).installRoots).to.deep.equal(['/srv/apps']);
    const again = openJournal(folder);
    expect(again.prepare('select count(*) from directives').pluck().get()).to.equal(1);
    again.close();
  });

  it('P3: is refused where the ledger key is gone from an enrolled host: no other one is made, and no token is spent', async () => {
    await enrolHost(folder, { bundle: await bundleFor('web-4'), config: OWNERS, now: NOW });
    rmSync(join(folder, 'identity', 'ledger-key.pem'));
    const bundle = await bundleFor('web-4');
    expect(await refusalOf(() => enrolHost(folder, { bundle, config: OWNERS, now: NOW }))).to.equal(
      'ledger-key-missing',
    );
    expect(existsSync(join(folder, 'identity', 'ledger-key.pem'))).to.equal(false);
    rmSync(folder, { recursive: true });
    await enrolHost(folder, { bundle, config: OWNERS, now: NOW });
  });

  it('is refused in at least ten ways', () => {
    expect(Object.keys(REFUSALS).length).to.be.at.least(10);
  });

  for (const [title, row] of Object.entries(REFUSALS)) {
    it(`is refused with ${title} (${row.code}), the host does not run and the token is still good`, async () => {
      const host = `web-${Object.keys(REFUSALS).indexOf(title) + 10}`;
      const bundle = await bundleFor(host);
      row.arrange?.(folder);
      const changed = { ...bundle, ...row.bundle?.(bundle) } as EnrolmentBundle;
      const config = { ...OWNERS, ...row.owners };
      expect(await refusalOf(() => enrolHost(folder, { bundle: changed, config, now: NOW }))).to.equal(row.code);
      if (!row.arrange) expect(existsSync(join(folder, 'agent.json'))).to.equal(false);
      rmSync(folder, { recursive: true });
      await enrolHost(folder, { bundle, config: OWNERS, now: NOW });
      expect(loadHostConfig(folder).host).to.equal(host);
    });
  }

  it('with a token that was used is refused, and a host that is enrolled stays as it is', async () => {
    const bundle = await bundleFor('web-5');
    await enrolHost(folder, { bundle, config: OWNERS, now: NOW });
    const before = readFileSync(join(folder, 'agent.json'));
    const config = { ...OWNERS, labels: { env: 'test' } };
    expect(await refusalOf(() => enrolHost(folder, { bundle, config, now: NOW }))).to.equal('token-used');
    expect(readFileSync(join(folder, 'agent.json')).equals(before)).to.equal(true);
  });
});

async function tokenFor(world: ControlPlaneWorld, host: string): Promise<{ token: string; caCertificate: string }> {
  const operator = await world.operator('operator');
  return operator.createJoinToken({ host, lifetimeMs: HOUR_MS });
}

function trustOf({ baseline }: TrustRoot): EnrolmentBundle['trust'] {
  return Object.fromEntries([...baseline].map(([name, bytes]) => [name, Buffer.from(bytes)]));
}

async function refusalOf(work: () => Promise<unknown>): Promise<string> {
  try {
    await work();
    return 'nothing was refused';
  } catch (error) {
    if (error instanceof TransientError) return 'transient';
    return (error as { code?: string }).code ?? String(error);
  }
}
