/** Public keys of OpenSSH in a text, and the fingerprint by which people compare them. */

/** `TYPE BASE64` of each line that looks like a key; what else stands there is given as it is, for the controller to refuse. */
export function sshKeysIn(text: string): string[] {
  const lines = text.split('\n').map(line => line.trim())
  const keys = lines.filter(line => line !== '' && !line.startsWith('#'))
  return [...new Set(keys.map(line => line.split(/\s+/).slice(0, 2).join(' ')))]
}

/** As `ssh-keygen -l` prints it; nothing for what is no key. */
export async function fingerprintOf(key: string): Promise<string | undefined> {
  try {
    const bytes = Uint8Array.from(atob(key.split(' ')[1] ?? ''), letter => letter.charCodeAt(0))
    if (bytes.length === 0) return undefined
    const hash = new Uint8Array(await crypto.subtle.digest('SHA-256', bytes))
    return `SHA256:${btoa(String.fromCharCode(...hash)).replace(/=+$/, '')}`
  } catch {
    // No base64.
    return undefined
  }
}
