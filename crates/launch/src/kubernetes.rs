//! For Kubernetes: a Job for each node, as JSON, which is YAML. Nothing is submitted: `kubectl apply -f -` does that.

use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

use crate::FleetPlan;

/// What a Job needs that a plan does not say.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pod {
    /// The image with the program.
    pub image: String,
    /// CPUs: requests are limits, so that the pod is guaranteed what it measures.
    pub cpus: String,
    /// Memory, likewise.
    pub memory: String,
    /// The folder on the node where records go.
    pub folder: String,
}

/// A Job for each node of a fleet, as one list.
#[must_use]
pub fn jobs(fleet: &str, plan: &FleetPlan, pod: &Pod) -> Value {
    let items: Vec<Value> = plan.nodes.iter().map(|node| job(fleet, node, plan, pod)).collect();
    json!({"apiVersion": "v1", "kind": "List", "items": items})
}

fn job(fleet: &str, node: &str, plan: &FleetPlan, pod: &Pod) -> Value {
    let resources = json!({"cpu": pod.cpus, "memory": pod.memory});
    let mut command = vec!["hostproof", "accept", "--out", "/records", "--brief"];
    command.extend(plan.options.iter().map(String::as_str));
    let container = json!({
        "name": "hostproof",
        "image": pod.image,
        "command": command,
        "env": [{"name": "HOSTPROOF_NODE", "value": node}],
        "resources": {"requests": resources, "limits": resources},
        "volumeMounts": [{"name": "records", "mountPath": "/records"}],
    });
    let labels = json!({"app": "hostproof", "hostproof-fleet": fleet});
    json!({
        "apiVersion": "batch/v1",
        "kind": "Job",
        "metadata": {"name": name(fleet, node), "labels": labels},
        "spec": {
            // One attempt: a node that passes one run in three passes when it is asked until it does.
            "backoffLimit": 0,
            "template": {
                "metadata": {"labels": labels},
                "spec": {
                    "restartPolicy": "Never",
                    "nodeName": node,
                    "containers": [container],
                    "volumes": [{"name": "records", "hostPath": {"path": pod.folder, "type": "DirectoryOrCreate"}}],
                },
            },
        },
    })
}

/// A name that Kubernetes takes: small letters, digits and `-`, 63 at most.
fn name(fleet: &str, node: &str) -> String {
    const LONGEST: usize = 63;
    let full = format!("hostproof-{fleet}-{node}").to_lowercase();
    let plain: String = full.chars().map(|c| if c.is_ascii_alphanumeric() { c } else { '-' }).collect();
    if plain.len() <= LONGEST && plain == format!("hostproof-{fleet}-{node}") && !plain.ends_with('-') {
        return plain;
    }
    // What was changed or cut may be another node's name too.
    let hash = hex::encode(Sha256::digest(format!("{fleet}/{node}")));
    format!("{}-{}", plain[..plain.len().min(LONGEST - 9)].trim_end_matches('-'), &hash[..8])
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Via;

    #[test]
    fn names_are_taken_and_differ() {
        assert_eq!(name("f1", "n01"), "hostproof-f1-n01");
        let longest = "n".repeat(64);
        let odd =
            [name("f1", "n.01"), name("f1", "n-01"), name("F1", "n-01"), name("f1", &longest), name("f1", "n_01")];
        for (index, one) in odd.iter().enumerate() {
            assert!(one.len() <= 63 && one.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-'));
            assert!(!odd[..index].contains(one), "{one}");
        }
    }

    #[test]
    fn a_job_is_tried_once_on_its_node_with_what_it_is_guaranteed() {
        let plan = FleetPlan {
            nodes: vec!["n01".into(), "n02".into()],
            via: Via::Ssh,
            program: String::new(),
            options: vec!["--profile".into(), "full".into()],
            specification: None,
            launcher: Vec::new(),
            seed: None,
            at: String::new(),
        };
        let pod = Pod { image: "i:1".into(), cpus: "64".into(), memory: "400Gi".into(), folder: "/var/lib/h".into() };
        let list = jobs("f1", &plan, &pod);
        assert_eq!(list["items"].as_array().unwrap().len(), 2);
        let job = &list["items"][1];
        let spec = &job["spec"]["template"]["spec"];
        assert_eq!(job["spec"]["backoffLimit"], 0);
        assert_eq!((&spec["restartPolicy"], &spec["nodeName"]), (&json!("Never"), &json!("n02")));
        let container = &spec["containers"][0];
        assert_eq!(container["resources"]["requests"], container["resources"]["limits"]);
        assert_eq!(container["env"][0]["value"], "n02");
        assert_eq!(container["command"].as_array().unwrap().last().unwrap(), "full");
    }
}
