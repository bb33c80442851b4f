//! What goes wrong, one thing after the other.

use crate::{
    proxy::{Proxy, Weather},
    world::{World, comes},
};
use emporia_testkit::Dice;
use std::{
    collections::BTreeMap,
    time::{Duration, Instant},
};

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Trouble {
    ShopKilled,
    ProviderKilled,
    DatabaseKilled,
    ProviderCut,
    ProviderSlow,
    DatabaseCut,
    DatabaseSlow,
    DiskFull,
    ClockAhead,
    ClockBack,
}

impl Trouble {
    const ALL: [Self; 10] = [
        Self::ShopKilled,
        Self::ProviderKilled,
        Self::DatabaseKilled,
        Self::ProviderCut,
        Self::ProviderSlow,
        Self::DatabaseCut,
        Self::DatabaseSlow,
        Self::DiskFull,
        Self::ClockAhead,
        Self::ClockBack,
    ];

    /// Whether it can be made here.
    fn possible(self, world: &World) -> bool {
        match self {
            Self::DatabaseKilled | Self::DatabaseCut | Self::DatabaseSlow => world.database.is_some(),
            Self::DiskFull => world.own_disk,
            Self::ClockAhead | Self::ClockBack => world.clock_jumps(),
            _ => true,
        }
    }
}

/// Makes trouble until the end; answers how often each, and how often the shop had to be started again.
pub(crate) async fn make(world: &World, mut dice: Dice, end: Instant) -> BTreeMap<Trouble, u64> {
    let possible: Vec<Trouble> = Trouble::ALL.into_iter().filter(|t| t.possible(world)).collect();
    let mut made = BTreeMap::new();
    while Instant::now() < end {
        tokio::time::sleep(Duration::from_millis(500 + dice.next(2_500))).await;
        let trouble = *dice.pick(&possible);
        *made.entry(trouble).or_default() += 1;
        one(world, trouble, &mut dice).await;
        if !world.shop_runs() {
            world.start_shop();
        }
    }
    made
}

async fn one(world: &World, trouble: Trouble, dice: &mut Dice) {
    let a_while = Duration::from_millis(300 + dice.next(4_000));
    match trouble {
        Trouble::ShopKilled => {
            world.kill_shop();
            world.start_shop();
            // A shop that is killed before it is ready has nothing to lose.
            comes(Duration::from_secs(30), async || ready(world).await).await;
        }
        Trouble::ProviderKilled => {
            world.kill_provider();
            tokio::time::sleep(a_while).await;
            world.start_provider();
        }
        Trouble::DatabaseKilled => {
            if let Some(database) = &world.database {
                tokio::task::block_in_place(|| database.lock().kill());
                tokio::time::sleep(a_while).await;
                tokio::task::block_in_place(|| database.lock().restart());
            }
        }
        Trouble::ProviderCut => through(Some(&world.to_provider), Weather::Cut, a_while).await,
        Trouble::DatabaseCut => through(world.to_database.as_ref(), Weather::Cut, a_while).await,
        Trouble::ProviderSlow => {
            let late = Duration::from_millis(50 + dice.next(600));
            through(Some(&world.to_provider), Weather::Slow(late), a_while).await;
        }
        Trouble::DatabaseSlow => {
            let late = Duration::from_millis(1 + dice.next(60));
            through(world.to_database.as_ref(), Weather::Slow(late), a_while).await;
        }
        Trouble::DiskFull => {
            let full = tokio::task::block_in_place(|| world.fill_disk());
            tokio::time::sleep(a_while).await;
            drop(full);
        }
        Trouble::ClockAhead => {
            let ahead = i64::try_from(60 + dice.next(3_600)).unwrap();
            world.jump(ahead);
            tokio::time::sleep(a_while).await;
        }
        Trouble::ClockBack => {
            world.jump(-i64::try_from(dice.next(120)).unwrap());
            tokio::time::sleep(a_while).await;
        }
    }
}

async fn through(proxy: Option<&Proxy>, weather: Weather, how_long: Duration) {
    if let Some(proxy) = proxy {
        proxy.becomes(weather);
        tokio::time::sleep(how_long).await;
        proxy.becomes(Weather::Fair);
    }
}

pub(crate) async fn ready(world: &World) -> bool {
    let answer = reqwest::get(format!("{}/readyz", world.http)).await;
    answer.is_ok_and(|answer| answer.status().is_success())
}
