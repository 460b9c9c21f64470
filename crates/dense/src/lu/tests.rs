use std::sync::atomic::AtomicU64;

use machine::{Source, Team, Topology, Worker};

use super::plan::DEPTH;
use super::schedule::Schedule;
use super::solve::back_substitute;
use super::{LinearSystem, Plan, Solution, residual};
use crate::Error;
use crate::blas::{Blas, View, ViewMut, eliminate};
use crate::matrix::uniform;

/// Workers on the CPUs of this process, each said to belong to a node; CPUs are shared where there are too few.
fn workers(nodes: &[u32]) -> Vec<Worker> {
    let topology = Topology::read(&Source::Host).unwrap();
    let cpus: Vec<u32> = topology.allowed.iter().collect();
    let worker = |(index, &node): (usize, &u32)| {
        let cpu = cpus[index % cpus.len()];
        Worker { index, cpu, core: 0, node, package: 0 }
    };
    nodes.iter().enumerate().map(worker).collect()
}

/// A team of any size on the first node of this host.
fn team(size: usize) -> Team {
    let topology = Topology::read(&Source::Host).unwrap();
    Team::start(&workers(&vec![topology.nodes[0].os_index; size])).unwrap()
}

/// An element of [A b] by row and column.
type Element<'a> = &'a (dyn Fn(usize, usize) -> f64 + Sync);

fn solve(team: &Team, plan: Plan, blas: Blas, element: Element<'_>) -> Result<(Solution, f64), Error> {
    let fill = |j: usize, column: &mut [f64]| {
        for (i, value) in column.iter_mut().enumerate() {
            *value = element(i, j);
        }
    };
    let mut system = LinearSystem::allocate(plan, team.workers())?;
    system.fill(team, &fill);
    let solution = system.solve(team, blas, &AtomicU64::new(0))?;
    let residual = residual(team, &fill, &solution.x);
    Ok((solution, residual))
}

/// That the residual passes.
fn check(team: &Team, plan: Plan, element: Element<'_>) -> Solution {
    let (solution, residual) = solve(team, plan, Blas::load().unwrap(), element).unwrap();
    assert!(residual < 16.0, "{plan:?}: residual {residual}");
    solution
}

#[test]
fn every_order_passes() {
    let team = team(2);
    for order in (1..=3000).step_by(37) {
        check(&team, Plan::new(order, 96, 3), &|i, j| uniform(order as u64, i, j));
    }
}

#[test]
fn every_cut_passes() {
    let team = team(3);
    for order in [1, 2, 7, 64, 200] {
        for block in [1, 5, 16, 64, 300] {
            for panels in [1, 2, 4] {
                check(&team, Plan::new(order, block, panels), &|i, j| uniform(1, i, j));
            }
        }
    }
}

#[test]
fn the_same_matrix_has_the_same_pivots_and_solution_for_any_team() {
    let plan = Plan::new(700, 48, 2);
    let element = |i: usize, j: usize| uniform(3, i, j);
    let one = check(&team(1), plan, &element);
    for workers in [2, 3, 7] {
        let other = check(&team(workers), plan, &element);
        assert_eq!(one.pivots, other.pivots, "{workers} workers");
        assert_eq!(one.x, other.x, "{workers} workers");
    }
}

/// Solves with workers of nodes that this host need not have, in memory that is bound to none.
fn solve_on_nodes(nodes: &[u32], plan: Plan, element: Element<'_>) -> (Vec<usize>, Vec<f64>) {
    let team = Team::start(&workers(nodes)).unwrap();
    let owners = plan.owners(team.workers());
    let mut matrix = vec![0.0; plan.elements()];
    for (group, data) in matrix.chunks_mut(plan.group_stride()).enumerate() {
        for (j, column) in plan.group_columns(group).zip(data.chunks_mut(plan.ld())) {
            for (i, value) in column[..plan.order()].iter_mut().enumerate() {
                *value = element(i, j);
            }
        }
    }
    let mut homes = nodes.to_vec();
    homes.sort_unstable();
    homes.dedup();
    let mut space = vec![vec![0.0; plan.panel_elements() * DEPTH]; homes.len()];
    let panels = homes.into_iter().zip(space.iter_mut().map(Vec::as_mut_slice)).collect();
    let flops = AtomicU64::new(0);
    let schedule = Schedule::new(plan, Blas::load().unwrap(), &owners, &mut matrix, panels, &flops);
    let mut rooms = vec![vec![0.0; Schedule::room(&plan)]; nodes.len()];
    team.each(&mut rooms, |member, room| schedule.work(member, room));
    let kept = schedule.finish().unwrap();
    let x = back_substitute(&team, &plan, &matrix, &kept);
    (kept.into_iter().flat_map(|kept| kept.pivots).collect(), x)
}

#[test]
fn nodes_copy_panels_from_one_another() {
    for plan in [Plan::new(400, 32, 2), Plan::new(150, 16, 1), Plan::new(90, 64, 1), Plan::new(20, 32, 1)] {
        let element = |i: usize, j: usize| uniform(4, i, j);
        let one = check(&team(1), plan, &element);
        for nodes in [&[0, 1][..], &[0, 0, 3], &[0, 1, 2, 3, 4], &[1, 0, 1, 0, 1, 0, 1]] {
            let (pivots, x) = solve_on_nodes(nodes, plan, &element);
            assert_eq!((&one.pivots, &one.x), (&pivots, &x), "nodes {nodes:?}, {plan:?}");
        }
    }
}

#[test]
fn ill_scaled_and_permuted_matrices_pass() {
    let team = team(2);
    let n = 500;
    let plan = Plan::new(n, 64, 2);
    let power = |i: usize| 10_f64.powi(i32::try_from(i % 41).unwrap() * 6 - 120);
    check(&team, plan, &|i, j| uniform(1, i, j) * power(i));
    check(&team, plan, &|i, j| uniform(1, i, j) * power(j));
    check(&team, plan, &|i, j| uniform(1, i, j) * power(7 * i + 3 * j));
    // a permutation matrix alone: 211 is prime to 500
    check(&team, plan, &|i, j| if j == n { 1.0 } else { f64::from(u8::from(i == (211 * j + 5) % n)) });
    // a dominant diagonal, its rows permuted
    check(&team, plan, &|i, j| uniform(1, i, j) + if i == (211 * j + 5) % n { 100.0 } else { 0.0 });
}

#[test]
fn the_known_pivots_of_a_permutation() {
    let team = team(2);
    let n = 97;
    // rows in reverse: row i is exchanged with row n - 1 - i until the middle, then with itself
    let solution = check(&team, Plan::new(n, 8, 2), &|i, j| {
        if j == n { i as f64 } else { f64::from(u8::from(i + j == n - 1)) }
    });
    let expect: Vec<usize> = (0..n).map(|i| i.max(n - 1 - i)).collect();
    assert_eq!(solution.pivots, expect);
    assert!(solution.x.iter().enumerate().all(|(j, &x)| x.to_bits() == ((n - 1 - j) as f64).to_bits()));
}

#[test]
fn a_singular_matrix_is_reported() {
    let team = team(2);
    let check = |element: Element<'_>, expect: usize| {
        let result = solve(&team, Plan::new(300, 32, 2), Blas::load().unwrap(), element);
        assert!(matches!(result, Err(Error::Singular { column }) if column == expect), "{result:?}");
    };
    check(&|_, _| 0.0, 0);
    check(&|i, j| if j == 170 { 0.0 } else { uniform(1, i, j) }, 170);
    // a row of zeros shows in the last column
    check(&|i, j| if i == 17 { 0.0 } else { uniform(1, i, j) }, 299);
    check(&|i, j| if (i, j) == (250, 40) { f64::NAN } else { uniform(1, i, j) }, 40);
}

#[test]
fn a_library_that_answers_wrongly_shows_in_the_residual() {
    fn disturbed(a: View<'_>, mut columns: ViewMut<'_>) {
        if a.rows() > 0 {
            columns.column(0)[a.cols() + a.rows() / 2] += 1e-3;
        }
        eliminate(a, columns);
    }
    let blas = Blas { eliminate: disturbed, ..Blas::load().unwrap() };
    let (_, residual) = solve(&team(2), Plan::new(400, 32, 2), blas, &|i, j| uniform(1, i, j)).unwrap();
    assert!(residual.is_nan() || residual > 16.0, "{residual}");
}

#[test]
fn a_panic_in_a_worker_ends_the_job() {
    fn broken(_: View<'_>, _: ViewMut<'_>) {
        panic!("planted");
    }
    let blas = Blas { eliminate: broken, ..Blas::load().unwrap() };
    let result = std::panic::catch_unwind(|| solve(&team(3), Plan::new(200, 32, 1), blas, &|i, j| uniform(1, i, j)));
    assert!(result.is_err());
}

#[test]
fn too_little_memory_is_an_error_before_anything_is_touched() {
    let team = team(1);
    let result = LinearSystem::allocate(Plan::new(20_000_000, 256, 4), team.workers());
    assert!(matches!(result, Err(Error::TooLittleMemory { .. })));
}
