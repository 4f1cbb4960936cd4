//! Which storms an event has: clusters whose cells are born one after another on a flank, some of which split; single
//! large storms; squall lines with rain trailing behind. A plan is a list of cells, without state that changes over
//! time.

use std::f32::consts::TAU;

use rand::Rng;
use rand_chacha::ChaCha8Rng;

use super::calendar::Event;
use super::cell::{Cell, Kind};
use super::flow::Flow;
use fragua_util::seed;

/// Everything that happens in one event.
pub(super) struct Plan {
    pub(super) flow: Flow,
    pub(super) cells: Vec<Cell>,
    /// The event's offset into the textures, so that no two events have the same noise.
    pub(super) texture_offset: [f32; 2],
    /// Scattered showers between the storms: added to their strength, dBZ.
    pub(super) showers_dbz: f32,
    /// Where snow melts.
    pub(super) freezing_km: f32,
    /// Lengths of the inner structure relative to those of the real size.
    pub(super) scale: f32,
}

/// Storms are made within this, and it gathers their cells.
struct Planner {
    rng: ChaCha8Rng,
    flow: Flow,
    cells: Vec<Cell>,
    size_km: f32,
    scale: f32,
    half_s: f32,
}

/// How a storm as a whole lives.
struct Career {
    particle: [f32; 2],
    /// Through the air, km/s.
    propagation: [f32; 2],
    born: f32,
    life: f32,
    /// Of its strongest cells.
    peak_dbz: f32,
}

impl Plan {
    pub(super) fn new(seed: u64, event: &Event, size: usize) -> Self {
        let mut rng = seed::generator(seed, "synthetic storms", event.index as u64, 0);
        let size_km = size as f32;
        // Small pictures hold smaller storms, or a single one would fill them; large ones hold storms of the real size.
        let scale = (size_km / 320.0).powf(0.22).clamp(0.5, 1.0);
        let flow = Flow::draw(&mut rng, size_km);
        let half_s = event.duration_seconds() as f32 / 2.0 + 60.0;
        let texture_offset = [rng.random_range(0.0..512.0), rng.random_range(0.0..512.0)];
        let showers_dbz = rng.random_range(-7.0..4.0);
        let freezing_km = rng.random_range(3.4..4.4);
        let mut planner = Planner { rng, flow, cells: Vec::new(), size_km, scale, half_s };
        planner.fill(event.index);
        let Planner { flow, cells, .. } = planner;
        Self { flow, cells, texture_offset, showers_dbz, freezing_km, scale }
    }
}

impl Planner {
    /// Every second event has a squall line, every third widespread rain: a small dataset shows all there is.
    fn fill(&mut self, event: usize) {
        let line = event % 2 == 1;
        if line {
            self.squall_line();
        }
        if event % 3 == 2 {
            self.widespread_rain();
        }
        let at_once = (self.size_km / 300.0).powf(1.3) * 12.0 * if line { 0.6 } else { 1.0 };
        let mean_life = 4200.0;
        let count = at_once.max(2.8) * (2.0 * self.half_s + mean_life) / mean_life;
        let zones: Vec<_> = (0..3).map(|_| self.place_near([0.0; 2], 0.5)).collect();
        for _ in 0..count.round() as usize {
            let career = self.career(&zones);
            if self.rng.random_bool(0.18) { self.supercell(&career) } else { self.cluster(&career) }
        }
    }

    /// Somewhere in a square about a place; the half side is a share of the picture's size.
    fn place_near(&mut self, [x, y]: [f32; 2], share: f32) -> [f32; 2] {
        let reach = share * self.size_km;
        [x + self.rng.random_range(-reach..reach), y + self.rng.random_range(-reach..reach)]
    }

    /// Large pictures have zones where storms gather; in small ones storms come from anywhere, at any time.
    fn career(&mut self, zones: &[[f32; 2]]) -> Career {
        let life = self.rng.random_range(2400.0..7200.0);
        let middle = self.rng.random_range(-self.half_s - 0.3 * life..self.half_s + 0.3 * life);
        let gathered = self.size_km > 200.0 && self.rng.random_bool(0.55);
        let particle = if gathered {
            let zone = zones[self.rng.random_range(0..zones.len())];
            self.place_near(zone, 0.16)
        } else {
            let place = self.place_near([0.0; 2], 0.55);
            self.flow.at(middle).particle(place)
        };
        let (speed, angle) = (self.rng.random_range(0.0005..0.003), self.rng.random_range(0.0..TAU));
        let propagation = [speed * angle.cos(), speed * angle.sin()];
        let born = middle - 0.5 * life;
        let start = [particle[0] - propagation[0] * 0.5 * life, particle[1] - propagation[1] * 0.5 * life];
        let strength: f32 = self.rng.random_range(0.0..1.0);
        Career { particle: start, propagation, born, life, peak_dbz: 45.0 + 16.0 * strength }
    }

    /// A multicell storm; one in three splits into two that diverge to the left and to the right of the wind.
    fn cluster(&mut self, career: &Career) {
        let splits_at = if self.rng.random_bool(0.33) { self.rng.random_range(0.3..0.5) } else { 1.0 };
        let apart_speed = self.rng.random_range(0.0028..0.0052);
        let apart = self.across(career.born + 0.5 * career.life, apart_speed);
        let flank = self.rng.random_range(0.0..TAU);
        let mut seconds = 0.0;
        while seconds < 0.8 * career.life {
            let beyond = seconds - splits_at * career.life;
            let branches: &[f32] = if beyond > 0.0 { &[-1.0, 1.0] } else { &[0.0] };
            for branch in branches {
                let centre = [
                    career.particle[0] + career.propagation[0] * seconds + branch * apart[0] * beyond,
                    career.particle[1] + career.propagation[1] * seconds + branch * apart[1] * beyond,
                ];
                let drift = [branch * apart[0] * 0.8, branch * apart[1] * 0.8];
                self.cluster_cell(career, centre, drift, seconds, flank);
            }
            seconds += self.rng.random_range(240.0..620.0);
        }
        self.surroundings(career, 1.0);
    }

    fn cluster_cell(&mut self, career: &Career, centre: [f32; 2], drift: [f32; 2], seconds: f32, flank: f32) {
        let angle = flank + self.rng.random_range(-1.1..1.1);
        let distance = self.scale * self.rng.random_range(2.0..9.0);
        // A storm is strongest in the middle of its life.
        let stage = (seconds / career.life - 0.4) * 2.0;
        let weaker: f32 = self.rng.random_range(0.0..1.0);
        let cell = Cell {
            kind: Kind::Core,
            particle: [centre[0] + distance * angle.cos(), centre[1] + distance * angle.sin()],
            drift: [drift[0] - 0.3 * career.propagation[0], drift[1] - 0.3 * career.propagation[1]],
            born: career.born + seconds,
            life: self.rng.random_range(1500.0..3000.0),
            peak_dbz: career.peak_dbz - 14.0 * weaker * weaker - 6.0 * stage * stage,
            side_km: self.scale * self.rng.random_range(2.6..5.4),
            front: self.rng.random_range(0.65..1.0),
            back: self.rng.random_range(1.1..2.0),
            turn: self.rng.random_range(-0.6..0.6),
        };
        self.cells.push(cell);
    }

    /// One long-lived storm that leaves the wind to its right, as the strong ones of the southern hemisphere do, with a
    /// flanking line of young cells.
    fn supercell(&mut self, career: &Career) {
        let leave_speed = self.rng.random_range(0.0015..0.0035);
        let drift = self.across(career.born + 0.5 * career.life, leave_speed);
        let side_km = self.scale * self.rng.random_range(5.5..8.5);
        let peak_dbz = self.rng.random_range(59.0..66.0);
        let core = Cell {
            kind: Kind::Core,
            particle: career.particle,
            drift,
            born: career.born,
            life: career.life * 1.1,
            peak_dbz,
            side_km,
            front: self.rng.random_range(0.75..1.0),
            back: self.rng.random_range(1.0..1.4),
            turn: self.rng.random_range(-0.5..0.5),
        };
        // The forward flank: what the wind aloft carries ahead of the updraught.
        let ahead = self.flow.direction(career.born);
        let reach = side_km * 1.7;
        let forward = Cell {
            particle: [core.particle[0] + ahead[0] * reach, core.particle[1] + ahead[1] * reach],
            peak_dbz: peak_dbz - 13.0,
            side_km: side_km * 1.15,
            front: 1.9,
            back: 1.0,
            ..core.clone()
        };
        self.cells.extend([core, forward]);
        let flank = self.rng.random_range(0.0..TAU);
        let mut seconds = 300.0;
        while seconds < 0.8 * career.life {
            let distance = 1.2 * side_km;
            let centre = [
                career.particle[0] + drift[0] * seconds + distance * flank.cos(),
                career.particle[1] + drift[1] * seconds + distance * flank.sin(),
            ];
            self.cluster_cell(career, centre, drift, seconds, flank);
            seconds += self.rng.random_range(600.0..1100.0);
        }
        self.surroundings(&Career { propagation: drift, peak_dbz, ..*career }, 1.25);
    }

    /// The layered rain behind a storm and its anvil ahead.
    fn surroundings(&mut self, career: &Career, size: f32) {
        let wind = self.flow.direction(career.born + 0.5 * career.life);
        let motion = self.flow.at(career.born + 0.5 * career.life);
        let wind = motion.unrotate(wind);
        let rain_km = self.scale * size * self.rng.random_range(9.0..17.0);
        let behind = -0.6 * rain_km;
        let weakness: f32 = self.rng.random_range(0.0..9.0);
        self.cells.push(Cell {
            kind: Kind::Rain,
            particle: [career.particle[0] + behind * wind[0], career.particle[1] + behind * wind[1]],
            drift: career.propagation,
            born: career.born + 0.12 * career.life,
            life: career.life * 1.35,
            peak_dbz: 0.45 * career.peak_dbz + 7.0 - weakness,
            side_km: rain_km,
            front: self.rng.random_range(0.9..1.3),
            back: self.rng.random_range(1.2..1.9),
            turn: self.rng.random_range(-0.5..0.5),
        });
        let anvil_km = self.scale * size * self.rng.random_range(11.0..19.0);
        let ahead = 0.9 * anvil_km;
        self.cells.push(Cell {
            kind: Kind::Anvil,
            particle: [career.particle[0] + ahead * wind[0], career.particle[1] + ahead * wind[1]],
            drift: [career.propagation[0] + 0.003 * wind[0], career.propagation[1] + 0.003 * wind[1]],
            born: career.born + 0.2 * career.life,
            life: career.life * 1.4,
            peak_dbz: 0.4 * career.peak_dbz,
            side_km: anvil_km,
            front: self.rng.random_range(1.6..2.6),
            back: 1.2,
            turn: self.rng.random_range(-0.25..0.25),
        });
    }

    /// A speed across the wind, to its left for positive speeds, in the coordinates of the particles.
    fn across(&self, seconds: f32, speed_km_s: f32) -> [f32; 2] {
        let [east, north] = self.flow.direction(seconds);
        self.flow.at(seconds).unrotate([-north * speed_km_s, east * speed_km_s])
    }

    /// Cells side by side across the wind, bowed forward in the middle, renewed all the time; it crosses the middle of the
    /// picture around the middle of the event. Rain trails behind.
    fn squall_line(&mut self) {
        let length = self.size_km * self.rng.random_range(0.35..0.6);
        let [east, north] = self.flow.direction(0.0);
        let (sin, cos) = self.rng.random_range(-0.45_f32..0.45).sin_cos();
        let ahead = [east * cos - north * sin, east * sin + north * cos];
        let along = [-ahead[1], ahead[0]];
        let centre = self.place_near([0.0; 2], 0.14);
        let forward_speed = self.rng.random_range(0.0005..0.003);
        let propagation = [ahead[0] * forward_speed, ahead[1] * forward_speed];
        let spacing = self.scale * 7.5;
        let slots = (length / spacing).ceil() as i32;
        let bow = self.rng.random_range(0.1..0.35) * length;
        let peak = self.rng.random_range(51.0..59.0);
        for slot in -slots / 2..=slots / 2 {
            let s = slot as f32 * spacing / length;
            let jitter = self.place_near([0.0; 2], 0.0025 * spacing);
            let back = -4.0 * bow * s * s;
            let particle = [
                centre[0] + along[0] * s * length + ahead[0] * back + jitter[0],
                centre[1] + along[1] * s * length + ahead[1] * back + jitter[1],
            ];
            self.line_slot(particle, propagation, peak - 22.0 * s * s);
            if slot.rem_euclid(3) == 0 {
                self.trailing_rain(particle, propagation, ahead, length);
            }
        }
    }

    /// Sheets of rain, some 100 km across, that outlast the event.
    fn widespread_rain(&mut self) {
        for _ in 0..4 {
            let cell = Cell {
                kind: Kind::Rain,
                particle: self.place_near([0.0; 2], 0.55),
                drift: [0.0; 2],
                born: -2.0 * self.half_s - self.rng.random_range(0.0..0.4) * self.half_s,
                life: 4.4 * self.half_s,
                peak_dbz: self.rng.random_range(20.0..29.0),
                side_km: self.size_km * self.rng.random_range(0.09..0.2),
                front: self.rng.random_range(0.8..2.0),
                back: self.rng.random_range(0.8..2.0),
                turn: self.rng.random_range(-1.0..1.0),
            };
            self.cells.push(cell);
        }
    }

    fn line_slot(&mut self, particle: [f32; 2], propagation: [f32; 2], peak_dbz: f32) {
        let mut seconds = -self.half_s - self.rng.random_range(0.0..2400.0);
        while seconds < self.half_s {
            let jitter = self.place_near([0.0; 2], 3.5 * self.scale / self.size_km);
            let weaker: f32 = self.rng.random_range(0.0..1.0);
            let cell = Cell {
                kind: Kind::Core,
                particle: [
                    particle[0] + propagation[0] * seconds + jitter[0],
                    particle[1] + propagation[1] * seconds + jitter[1],
                ],
                drift: [0.4 * propagation[0], 0.4 * propagation[1]],
                born: seconds,
                life: self.rng.random_range(1500.0..2900.0),
                peak_dbz: peak_dbz - 12.0 * weaker * weaker,
                side_km: self.scale * self.rng.random_range(3.2..5.6),
                front: self.rng.random_range(0.45..0.75),
                back: self.rng.random_range(1.4..2.6),
                turn: self.rng.random_range(-0.3..0.3),
            };
            self.cells.push(cell);
            seconds += self.rng.random_range(700.0..1500.0);
        }
    }

    fn trailing_rain(&mut self, particle: [f32; 2], propagation: [f32; 2], ahead: [f32; 2], length: f32) {
        let side_km = (0.16 * length).min(30.0) * self.rng.random_range(0.8..1.3);
        let behind = -1.5 * side_km;
        let early = 1.4 * self.half_s;
        self.cells.push(Cell {
            kind: Kind::Rain,
            particle: [
                particle[0] + behind * ahead[0] - propagation[0] * early,
                particle[1] + behind * ahead[1] - propagation[1] * early,
            ],
            drift: propagation,
            born: -early,
            life: 3.2 * self.half_s,
            peak_dbz: self.rng.random_range(22.0..29.0),
            side_km,
            front: 1.5,
            back: self.rng.random_range(1.3..2.0),
            turn: self.rng.random_range(-0.3..0.3),
        });
    }
}
