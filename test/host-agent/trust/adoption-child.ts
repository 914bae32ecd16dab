/**
 * A process that adopts one set after the other until it is killed: `node adoption-child.ts DATABASE`. It writes a line
 * before each adoption, so that whoever kills it can do so in the middle of one.
 */
import { adoptTrusted, loadTrusted, openTrustDatabase } from '../../../host-agent/trust/metadata-store.ts';
import { versionOf } from '../../../shared/trust/tuf-metadata.ts';
import type { TrustedMetadata } from '../../../shared/trust/tuf-refresh.ts';

const ROLES = ['root', 'timestamp', 'snapshot', 'targets', 'release-a', 'release-b'];

/** Every file of a set carries the same version; the filling makes a set span many database pages. */
function setOfVersion(version: number): TrustedMetadata {
  const bytes = Buffer.from(JSON.stringify({ signed: { version, filling: 'x'.repeat(40_000) } }));
  return new Map(ROLES.map((role) => [`${role}.json`, bytes]));
}

const db = openTrustDatabase(process.argv[2] ?? '');
for (;;) {
  const before = loadTrusted(db);
  const root = before.get('root.json');
  const version = root === undefined ? 1 : versionOf(root) + 1;
  process.stdout.write(`${version}\n`);
  adoptTrusted(db, before, setOfVersion(version), { adoptedAt: new Date() });
}
