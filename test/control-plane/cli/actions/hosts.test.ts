/** Enrolling, listing and revoking hosts from the command line. */
import { readFileSync, statSync } from 'node:fs';
import { expect } from 'chai';
import { listingLines } from '../../../../control-plane/cli/listing.ts';
import { enrol } from '../../../../host-agent/link/enrol.ts';
import { IdentityStore } from '../../../../host-agent/link/identity-store.ts';
import { parseEnrolmentBundle } from '../../../../shared/rpc/enrolment-bundle.ts';
import { CommandWorld, documentOf, failureOf } from '../../../support/command-line.ts';
import { codeOf } from '../../../support/rejection-of.ts';

interface Listed {
  readonly name: string;
  readonly isConnected: boolean;
  readonly enrolledAtMs: number;
  readonly revokedAtMs: number;
}

describe('keyturn host', function () {
  this.timeout(20_000);
  let world: CommandWorld;
  before(async () => {
    world = await CommandWorld.started();
  });
  after(() => world[Symbol.asyncDispose]());

  const token = (host: string, ...options: string[]) => {
    const { join, gateway } = world.service.plane.addresses;
    const out = world.at(`${host}.enrolment`);
    return world.json('host', 'token', host, '--join', join, '--gateway', gateway, '--out', out, ...options);
  };
  const join = async (host: string) => {
    const {
      token: secret,
      addresses,
      caCertificate,
    } = parseEnrolmentBundle(readFileSync(world.at(`${host}.enrolment`)));
    await enrol(new IdentityStore(world.at(host)), { host, token: secret, addresses, caCertificate });
  };
  const listed = async (name: string) =>
    documentOf<{ hosts: Listed[] }>(await world.json('host', 'list')).hosts.find((host) => host.name === name);

  it('says so when there is none', async () => {
    expect((await world.keyturn('host', 'list')).stdout).to.equal('no hosts\n');
  });

  it('writes a bundle that one host can use once, readable by its owner alone', async () => {
    const ended = await token('web-1', '--minutes', '5');
    const { expiresAt, bundle } = documentOf<{ expiresAt: string; bundle: string }>(ended);
    expect(Date.parse(expiresAt) - Date.now()).to.be.within(4 * 60_000, 5 * 60_000);
    expect(statSync(bundle).mode & 0o777).to.equal(0o600);
    const trust = Object.keys(parseEnrolmentBundle(readFileSync(bundle)).trust);
    expect(trust).to.have.members(['root.json', 'timestamp.json', 'snapshot.json', 'targets.json']);
    await join('web-1');
    expect((await listed('web-1'))?.enrolledAtMs).to.be.above(0);
    expect(await codeOf(join('web-1'))).to.not.equal('nothing was refused');
  });

  it('lists what is enrolled and what is revoked, and lets nobody join as a revoked host', async () => {
    await token('web-2');
    await join('web-2');
    const ended = await world.json('host', 'revoke', 'web-2');
    expect(documentOf(ended)).to.deep.equal({ host: 'web-2', revoked: true });
    expect((await listed('web-2'))?.revokedAtMs).to.be.above(0);
    const text = (await world.keyturn('host', 'list')).stdout;
    expect(text)
      .to.match(/^web-1 +disconnected/m)
      .and.match(/^web-2 +revoked/m);
  });

  it('refuses to revoke a host that nobody knows', async () => {
    const ended = await world.json('host', 'revoke', 'web-9');
    expect([ended.exitCode, failureOf(ended).code]).to.deep.equal([77, 'host-unknown']);
  });

  it('makes no token where there is no place for the bundle', async () => {
    for (const out of [world.at('nowhere', 'x'), world.folder]) {
      const ended = await world.json('host', 'token', 'web-3', '--out', out);
      expect(ended.exitCode).to.equal(64);
      expect(failureOf(ended).message).to.include(`enrolment bundle "${out}"`);
    }
    expect(await listed('web-3')).to.equal(undefined);
  });

  it('shows names as text, whatever is in them', () => {
    expect(
      listingLines(
        [
          ['a\u001b[2J', 'b'],
          ['cc', 'd\ne'],
        ],
        'none',
      ),
    ).to.deep.equal(['a\\u{1b}[2J  b', 'cc          d\\ne']);
  });
});
