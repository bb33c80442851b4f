use crate::{
    commands::{AccountRefusal, Granter, grant, new_profile, password_fits},
    model::{Holder, MailClaim, Operator, PersonIndex, Profile, Realm},
    service::{CustomersError, CustomersService},
};
use emporia_auth::Scopes;
use emporia_contracts::{Principal, customers::OperatorDefined, ids::OperatorId};
use emporia_events::EventMeta;
use emporia_vault::PersonId;
use jiff::Timestamp;
use std::collections::BTreeSet;

/// An operator, opened.
#[derive(Clone)]
pub struct OperatorView {
    /// The operator.
    pub id: OperatorId,
    /// The person behind.
    pub person: PersonId,
    /// Who he is.
    pub profile: Profile,
    /// What he is.
    pub roles: BTreeSet<String>,
    /// Since when.
    pub created_at: Timestamp,
    /// Whether he is asked for the code of an authenticator.
    pub second_factor: bool,
}

impl std::fmt::Debug for OperatorView {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "OperatorView({}, {:?})", self.id, self.roles)
    }
}

impl CustomersService {
    /// Makes an operator. Nobody grants more than he holds; a part of the system (the command line) grants everything.
    ///
    /// # Errors
    /// [`AccountRefusal`] for mail address, name and password; [`crate::OperatorRefusal`] for the roles; faults.
    pub async fn create_operator(
        &self,
        email: &str,
        name: &str,
        password: &str,
        roles: &[String],
        granter: &Principal,
        meta: &EventMeta,
    ) -> Result<OperatorView, CustomersError> {
        let held: Scopes = granter.scopes().into_iter().collect();
        let granter = match granter {
            Principal::System(_) => Granter::System,
            _ => Granter::Holding(&held),
        };
        let roles = grant(granter, roles, &self.roles)?;
        let profile = new_profile(email, Some(name), None)?;
        password_fits(password, &profile.email)?;
        let mail_hash = self.mail_hash(Realm::Operators, &profile.email);
        let claim = &MailClaim::key_of(&mail_hash);
        let password = self.deps.passwords.hash(password).await?;
        let person = self.new_person().await?;
        let operator = &Operator {
            id: self.ids.next(),
            person,
            mail_hash,
            password,
            profile: self.deps.vault.seal(person, &profile)?,
            roles,
            created_at: self.now(),
            second_factor: None,
        };
        let holder = Holder::Operator(operator.id);
        self.space
            .transact(|tx| async move {
                if tx.get::<MailClaim>(claim).await?.is_some() {
                    return Err(CustomersError::from(AccountRefusal::EmailTaken));
                }
                tx.put(&MailClaim { hash: operator.mail_hash.clone(), holder })?;
                tx.insert(operator)?;
                tx.insert(&PersonIndex { person, holder })?;
                let event = OperatorDefined { operator_id: operator.id, roles: operator.roles.clone() };
                Ok(self.emit(&tx, &event, meta)?)
            })
            .await?;
        Ok(OperatorView {
            id: operator.id,
            person,
            profile,
            roles: operator.roles.clone(),
            created_at: operator.created_at,
            second_factor: false,
        })
    }

    /// The operator who signs in with this mail address.
    ///
    /// # Errors
    /// [`AccountRefusal::Email`]; what store and vault report.
    pub async fn operator_by_email(&self, email: &str) -> Result<Option<OperatorView>, CustomersError> {
        let email = email.parse().map_err(|_| AccountRefusal::Email)?;
        let claim = MailClaim::key_of(&self.mail_hash(Realm::Operators, &email));
        match self.space.get::<MailClaim>(&claim).await?.map(|claim| claim.value.holder) {
            Some(Holder::Operator(id)) => self.operator(id).await,
            _ => Ok(None),
        }
    }

    /// The operator of that id.
    ///
    /// # Errors
    /// What store and vault report.
    pub async fn operator(&self, id: OperatorId) -> Result<Option<OperatorView>, CustomersError> {
        let found = self.space.get::<Operator>(&Operator::key_of(id)).await?;
        found.map_or(Ok(None), |operator| self.operator_view(operator.value))
    }

    pub(crate) fn operator_view(&self, operator: Operator) -> Result<Option<OperatorView>, CustomersError> {
        let Some(profile) = self.deps.vault.unseal(&operator.profile)? else { return Ok(None) };
        Ok(Some(OperatorView {
            id: operator.id,
            person: operator.person,
            profile,
            roles: operator.roles,
            created_at: operator.created_at,
            second_factor: operator.second_factor.is_some_and(|f| f.confirmed_at.is_some()),
        }))
    }
}
