const NETWORK_PROTOCOLS = new Set(['https:', 'http:', 'ssh:', 'git:']);

/**
 * The address of a remote as a provenance statement may say it: without user, password, query and fragment. '' for
 * one on this machine: it would name folders that mean nothing elsewhere.
 */
export function remoteWithoutCredentials(remote: string): string {
  if (remote.length > 2048 || /[\0-\x20]/.test(remote)) return '';
  // git's short form of ssh: `git@git.example:team/app.git`, with a colon before the first slash.
  const [, host, path] = /^(?:[^@/:]+@)?([^/:@]+):(?!\/\/)(.+)$/.exec(remote) ?? [];
  if (host !== undefined && path !== undefined) return `ssh://${host}/${path.replace(/^\/+/, '')}`;
  if (!URL.canParse(remote)) return '';
  const url = new URL(remote);
  if (!NETWORK_PROTOCOLS.has(url.protocol)) return '';
  url.username = '';
  url.password = '';
  url.search = '';
  url.hash = '';
  return url.href;
}
