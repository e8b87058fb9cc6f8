import { execFileSync } from 'node:child_process'
import { chmodSync, existsSync, rmSync, writeFileSync } from 'node:fs'

const POLICY = '/usr/sbin/policy-rc.d'

/**
 * Installs a Debian package when this is Debian and we are root, without letting it start services.
 * Returns why `provides` is still missing, or undefined when it is there.
 */
export function ensureDebianPackage(name: string, provides: string): string | undefined {
  if (existsSync(provides)) return undefined
  if (!existsSync('/etc/debian_version')) return `${provides} is missing and this is no Debian`
  if (process.getuid?.() !== 0) return `${provides} is missing and only root may install ${name}`
  const ownPolicy = !existsSync(POLICY)
  try {
    if (ownPolicy) {
      writeFileSync(POLICY, '#!/bin/sh\nexit 101\n')
      chmodSync(POLICY, 0o755)
    }
    const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' }
    execFileSync('apt-get', ['update', '-qq'], { env, stdio: 'ignore', timeout: 120_000 })
    execFileSync('apt-get', ['install', '-y', '-qq', '--no-install-recommends', name], {
      env,
      stdio: 'ignore',
      timeout: 300_000,
    })
  } catch {
    return `apt-get could not install ${name}`
  } finally {
    if (ownPolicy) rmSync(POLICY, { force: true })
  }
  return existsSync(provides) ? undefined : `${name} is installed, but without ${provides}`
}
