/** Settings that use as much of every built-in module as one config can. */

import type { Files } from './workshop.ts'

/** The options of the container `web` for Podman that NixOS has no options for. */
export const podmanOptions = [
  '--network=host',
  '--user=1000:1000',
  '--device=/dev/ttyUSB0',
  '--cap-add=NET_ADMIN',
  '--privileged',
  '--authfile=/run/thymesh/secrets/registry',
]

export const allModules: { files: Files; modules: Record<string, object> } = {
  files: {
    'artifacts/site/index.html': '<h1>Hello</h1>\n',
    // Stands where the daemon's package would: a folder that becomes a store path.
    'packages/program.nix': '_: { outPath = builtins.path { path = ../artifacts/site; }; }\n',
    'nix/greeting.nix': '{ ... }: { etc.greeting.text = "Hello\\n"; }\n',
    // Guests of the module virtual-machines: devices as others.
    'configs/guest.json': {},
    'devices/till.json': { config: 'guest', site: 'shop' },
    'devices/scale.json': { config: 'guest' },
    'devices/camera.json': { config: 'guest' },
  },
  modules: {
    access: {
      users: [
        {
          name: 'anna',
          fullName: 'Anna',
          admin: true,
          groups: ['dialout'],
          keys: ['ssh-ed25519 AAAAC3 anna'],
          password: 'anna',
        },
      ],
      rootKeys: ['ssh-ed25519 AAAAC3 root'],
      rootPassword: 'rootpw',
      certificates: ['-----BEGIN CERTIFICATE-----\nAA\n-----END CERTIFICATE-----\n'],
    },
    bash: {
      programs: [
        {
          name: 'hello',
          description: 'Says hello',
          script: 'echo hi',
          schedule: { kind: 'calendar', calendar: ['daily'], persistent: true },
          user: 'nobody',
          environmentSecret: 'env',
          packages: ['program'],
        },
      ],
    },
    builder: { systems: ['x86_64-linux', 'aarch64-linux'], maxJobs: 2, speed: 3, memoryMegabytes: 512 },
    containers: {
      containers: [
        {
          name: 'web',
          image: 'docker.io/library/nginx:1',
          command: ['nginx', '-g', 'daemon off;'],
          ports: [{ host: 8080, container: 80 }],
          volumes: [{ host: '/srv', container: '/usr/share', readOnly: true }],
          environment: [{ key: 'A', value: 'b $c %d "e"' }],
          environmentSecret: 'env',
          labels: [{ key: 'x', value: 'y' }],
          dependsOn: ['base'],
          network: 'host',
          user: '1000:1000',
          devices: ['/dev/ttyUSB0'],
          capabilities: ['NET_ADMIN'],
          privileged: true,
          registryLogin: 'registry',
        },
        { name: 'base', image: 'docker.io/library/redis@sha256:00' },
      ],
    },
    'custom-nix': { files: ['nix/greeting.nix'] },
    device: { hostName: 'kiosk', timeZone: 'Europe/Berlin', locale: 'de_DE.UTF-8', keyMap: 'de' },
    files: {
      secrets: [{ secret: 'tls', path: '/etc/app/key.pem' }],
      artifacts: [{ artifact: 'site/index.html', path: '/srv/index.html', mode: '0600' }],
    },
    kiosk: {
      url: 'https://example.org/',
      resolution: '1920x1080',
      rotation: 'left',
      volume: 50,
      audioSink: 'hdmi',
      browserOptions: ['--force-device-scale-factor=1.5'],
      hideCursor: true,
      screen: true,
      snapshotMinutes: 60,
      vnc: true,
      vncPassword: 'vnc',
    },
    networking: {
      wifi: [
        { ssid: 'Shop', password: 'wifi' },
        { ssid: 'Guest', security: 'open' },
        { ssid: 'Office', security: 'custom', auth: 'key_mgmt=WPA-EAP' },
      ],
      static: [
        {
          interface: 'eth0',
          ipv4Address: '10.0.0.2',
          gateway: '10.0.0.1',
          ipv6Address: 'fd00::2',
          gateway6: 'fd00::1',
        },
      ],
      openTcpPorts: [9100],
      openUdpPorts: [5060],
      nameservers: ['10.0.0.1'],
      timeServers: ['ntp.example.org'],
    },
    python: {
      programs: [
        {
          name: 'hello',
          description: 'Says hello',
          script: 'print(1)',
          environmentSecret: 'env',
          systemPackages: ['program'],
        },
      ],
    },
    'remote-access': { package: 'program' },
    system: {
      packages: ['program'],
      watchdogSeconds: 15,
      swapMegabytes: 512,
      zramPercent: 50,
      kernelModules: ['i2c-dev'],
      kernelParameters: ['quiet'],
      sysctl: [{ key: 'vm.swappiness', value: '10' }],
    },
    thymesh: {
      bootstrap: ['/dns4/hub.example.org/tcp/4460'],
      log: 'debug',
      clock: 'none',
      uploadBytesPerSecond: 1_000_000,
      uploadPeers: 4,
      stagingBytes: 1_000_000_000,
      portMapping: true,
      sticks: true,
      stickHook: '/opt/light',
      metricsPort: 4463,
      metricsScrape: [9100],
      package: 'program',
    },
    updates: {
      probes: [
        { kind: 'unit', name: 'web', unit: 'web.service' },
        { kind: 'http', url: 'http://localhost/', status: 204 },
        { kind: 'command', command: ['true'], timeoutSeconds: 9, intervalSeconds: 3, successes: 2, withinSeconds: 90 },
        { kind: 'tcp', host: '127.0.0.1', port: 22 },
      ],
      units: 'compare',
      settleSeconds: 20,
      degraded: 'hold',
      deadlineSeconds: 60,
      peers: 0,
      attempts: 2,
      bootAttempts: 2,
      keepGenerations: 4,
      reserveBytes: 100_000_000,
      reboot: 'when-needed',
      rebootWindows: [{ cron: '0 4 * * *', minutes: 30 }],
      windows: [{ cron: '0 3 * * *', minutes: 60 }],
      timeZone: 'Europe/Berlin',
      collectAt: '17 4 * * 0',
      keepDays: 3,
    },
    'web-application': {
      applications: [
        {
          name: 'site',
          files: 'site',
          package: 'program',
          command: ['python3', '-m', 'http.server', '8081'],
          port: 8081,
          healthPath: '/',
          environment: [{ key: 'A', value: 'b' }],
          environmentSecret: 'env',
        },
      ],
    },
    'virtual-machines': {
      guests: [
        {
          name: 'till',
          root: '/srv/roots/debian',
          memoryMegabytes: 512,
          processors: 2,
          diskMegabytes: 4096,
          network: 'device',
          token: 'till-join',
        },
        { name: 'scale', kind: 'qemu', image: '/srv/images/scale.raw', autostart: false },
        { name: 'camera', kind: 'qemu', imagePackage: 'program' },
      ],
    },
  },
}

/** With what a project needs nixpkgs for, and a Nix newer than Debian 12's. */
export const modulesWithNixpkgs: Record<string, object> = {
  ...allModules.modules,
  python: {
    programs: [
      ...(allModules.modules.python as { programs: object[] }).programs,
      { name: 'fetch', script: 'import requests', pythonPackages: ['requests'] },
    ],
  },
  'custom-nix': {
    ...allModules.modules['custom-nix'],
    nixos: '{ pkgs, ... }: { environment.systemPackages = [ pkgs.htop ]; }',
  },
}
