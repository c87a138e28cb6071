/** IP addresses as one writes them. */

/** A socket that listens for both families shows IPv4 addresses inside of IPv6 ones. */
export function plainIp(ip: string): string {
  return /^::ffff:(\d+\.\d+\.\d+\.\d+)$/i.exec(ip)?.[1] ?? ip
}
